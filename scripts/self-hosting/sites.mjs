// The sites whose here.conf is kept beside the rest of nginx's configuration: deploy/self-host/nginx/{name}.here.conf.

const ports = (digit, count) => Array.from({ length: count }, (_, at) => `127.0.0.1:80${at + 1}${digit}`);

/** One machine with so many units of each kind; the number of an instance is the third digit of its port. */
export const machine = ({ verify, auth, bridge }) => ({
  instances: { verify: ports(0, verify), auth: ports(1, auth), bridge: ports(9, bridge) },
  inner: { verify: "127.0.0.1:8000", auth: "127.0.0.1:8001", bridge: "127.0.0.1:8079" },
  outer: { listen: ["443", "[::]:443"], plain: ["80", "[::]:80"], certificate: "tls/fullchain.pem", key: "tls/key.pem" },
  out: "/run/authflow/out",
  log: "/var/log/authflow/nginx.log",
});

export const SITES = {
  /** The units of deploy/self-host/systemd, as many as docs/SELF-HOST.md enables. */
  machine: machine({ verify: 3, auth: 2, bridge: 2 }),
  /** deploy/self-host/compose.yaml, whose containers have fixed addresses: so one that is made anew is found again. */
  compose: {
    instances: {
      verify: ["10.79.0.11:8000", "10.79.0.12:8000", "10.79.0.13:8000"],
      auth: ["10.79.0.21:8001", "10.79.0.22:8001"],
      bridge: ["10.79.0.31:8079", "10.79.0.32:8079"],
    },
    inner: { verify: "8000", auth: "8001", bridge: "8079" },
    outer: { listen: ["8443"], plain: ["8080"], certificate: "/run/secrets/tls_certificate", key: "/run/secrets/tls_key" },
    out: "/run/authflow/out",
    log: "/dev/stdout",
  },
};

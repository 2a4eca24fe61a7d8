// The places whose here.conf is kept beside the rest of nginx's configuration: deploy/self-host/nginx/{name}.here.conf.

const ports = (host, digit, numbers) => numbers.map((number) => `${host}:80${number}${digit}`);

export const PLACES = {
  /** One machine with the units of deploy/self-host/systemd; the number of an instance is the third digit of its port. */
  machine: {
    instances: {
      verify: ports("127.0.0.1", 0, [1, 2, 3]),
      auth: ports("127.0.0.1", 1, [1, 2]),
      bridge: ports("127.0.0.1", 9, [1, 2]),
    },
    inner: { verify: "127.0.0.1:8000", auth: "127.0.0.1:8001", bridge: "127.0.0.1:8079" },
    outer: { listen: ["443", "[::]:443"], plain: ["80", "[::]:80"], certificate: "tls/fullchain.pem", key: "tls/key.pem" },
    out: "/run/authflow/out",
    log: "/var/log/authflow/nginx.log",
  },
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

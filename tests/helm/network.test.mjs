// Who may talk to whom, by the NetworkPolicies as a network would apply them; and the way in.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { ALL_ON, EXAMPLE, find, LEAST, manifests, merge, pods, RENDERINGS, SENTINEL } from "./chart.mjs";

/** Whether `labels` have all that `selector` wants; no selector wants nothing. */
const matches = ({ matchLabels = {} } = {}, labels = {}) =>
  Object.entries(matchLabels).every(([name, value]) => labels[name] === value);

/** The bits of an IPv4 address. */
const bits = (address) => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
const isIn = (address, cidr) => {
  if (address.includes(":") || cidr.includes(":")) return false;
  const [network, length] = cidr.split("/");
  return Math.floor(bits(address) / 2 ** (32 - length)) === Math.floor(bits(network) / 2 ** (32 - length));
};

/**
 * Whether a policy's rule for `peer` fits: `{labels, namespace}` for a Pod, which lies with the release unless it names the
 * labels of another namespace; or `{address}`.
 */
function fits({ podSelector, namespaceSelector, ipBlock }, { labels, namespace, address }) {
  if (ipBlock)
    return Boolean(address) && isIn(address, ipBlock.cidr) && !(ipBlock.except ?? []).some((cidr) => isIn(address, cidr));
  if (address) return false;
  const isThere = namespaceSelector ? matches(namespaceSelector, namespace ?? { home: "yes" }) : namespace === undefined;
  return isThere && matches(podSelector, labels);
}

/** Whether the policies let `pod` (its labels) send to, or be sent from, `peer` at `port`. */
function lets(all, direction, labels, peer, port, protocol = "TCP") {
  const policies = all.filter(({ kind, spec }) => kind === "NetworkPolicy" && matches(spec.podSelector, labels));
  const concerned = policies.filter(({ spec }) => spec.policyTypes.includes(direction));
  if (concerned.length === 0) return true;
  const [field, side] = direction === "Ingress" ? ["ingress", "from"] : ["egress", "to"];
  return concerned.some(({ spec }) =>
    (spec[field] ?? []).some((rule) => {
      assert.ok(rule[side]?.length > 0, "a rule without peers lets everybody");
      const isOpen = !rule.ports || rule.ports.some((open) => open.port === port && (open.protocol ?? "TCP") === protocol);
      return isOpen && rule[side].some((each) => fits(each, peer));
    }),
  );
}

const labelsOf = (all, name) => pods(all).find((pod) => pod.name === name).labels;
const INGRESS = { namespace: { "kubernetes.io/metadata.name": "ingress-nginx" }, labels: {} };
const STRANGER = { namespace: { "kubernetes.io/metadata.name": "elsewhere" }, labels: {} };
const NEIGHBOUR = { labels: { app: "neighbour" } };
const PORTS = [80, 443, 6379, 8000, 8001, 8002, 8079, 8080];

describe("the NetworkPolicies", () => {
  it("let the gateway be asked by the ingress controller, and by nobody else", async () => {
    const all = await manifests([EXAMPLE]);
    const verify = labelsOf(all, "authflow-verify");
    assert.equal(lets(all, "Ingress", verify, INGRESS, 8000), true);
    for (const peer of [STRANGER, NEIGHBOUR, { address: "198.51.100.7" }, { labels: labelsOf(all, "authflow-bridge") }]) {
      for (const port of PORTS) assert.equal(lets(all, "Ingress", verify, peer, port), false);
    }
    for (const port of PORTS.filter((port) => port !== 8000)) assert.equal(lets(all, "Ingress", verify, INGRESS, port), false);
  });

  it("let sign-in be asked by the ingress controller and the gateway, and its chores by nobody", async () => {
    const all = await manifests([EXAMPLE]);
    const [verify, auth] = [labelsOf(all, "authflow-verify"), labelsOf(all, "authflow-auth")];
    for (const peer of [INGRESS, { labels: verify }]) assert.equal(lets(all, "Ingress", auth, peer, 8001), true);
    for (const peer of [STRANGER, NEIGHBOUR, { labels: labelsOf(all, "authflow-bridge") }]) {
      assert.equal(lets(all, "Ingress", auth, peer, 8001), false);
    }
    for (const peer of [INGRESS, STRANGER, NEIGHBOUR, { labels: verify }, { labels: auth }, { address: "10.0.0.1" }]) {
      assert.equal(lets(all, "Ingress", auth, peer, 8002), false);
    }
  });

  it("let the bridge be asked by both workers and Prometheus, and by nobody else", async () => {
    const all = await manifests([EXAMPLE]);
    const bridge = labelsOf(all, "authflow-bridge");
    const prometheus = { namespace: { "kubernetes.io/metadata.name": "monitoring" }, labels: {} };
    for (const name of ["authflow-verify", "authflow-auth"]) {
      assert.equal(lets(all, "Ingress", bridge, { labels: labelsOf(all, name) }, 8079), true);
    }
    assert.equal(lets(all, "Ingress", bridge, prometheus, 8079), true);
    for (const peer of [INGRESS, STRANGER, NEIGHBOUR, { address: "10.0.0.1" }]) {
      assert.equal(lets(all, "Ingress", bridge, peer, 8079), false);
    }
  });

  it("let the bridge reach Redis and nothing else", async () => {
    const all = await manifests([EXAMPLE]);
    const bridge = labelsOf(all, "authflow-bridge");
    const data = { "kubernetes.io/metadata.name": "data" };
    const redis = { namespace: data, labels: { "app.kubernetes.io/name": "redis" } };
    assert.equal(lets(all, "Egress", bridge, redis, 6379), true);
    assert.equal(lets(all, "Egress", bridge, redis, 22), false);
    assert.equal(
      lets(all, "Egress", bridge, { namespace: data, labels: { "app.kubernetes.io/name": "postgres" } }, 6379),
      false,
    );
    for (const address of ["198.51.100.7", "10.0.0.1"]) assert.equal(lets(all, "Egress", bridge, { address }, 443), false);

    const withSentinels = await manifests([EXAMPLE, SENTINEL]);
    const sentinel = { namespace: data, labels: { "app.kubernetes.io/name": "sentinel" } };
    for (const [peer, port] of [
      [redis, 6379],
      [sentinel, 26379],
    ]) {
      assert.equal(lets(withSentinels, "Egress", bridge, peer, port), true);
    }
  });

  it("let both workers reach the bridge and Supabase, and the gateway the applications", async () => {
    const all = await manifests([EXAMPLE]);
    const apps = { namespace: { "kubernetes.io/metadata.name": "apps" }, labels: {} };
    const bridge = { labels: labelsOf(all, "authflow-bridge") };
    const [verify, auth] = [labelsOf(all, "authflow-verify"), labelsOf(all, "authflow-auth")];
    for (const worker of [verify, auth]) {
      assert.equal(lets(all, "Egress", worker, bridge, 8079), true);
      assert.equal(lets(all, "Egress", worker, { address: "198.51.100.7" }, 443), true);
      assert.equal(lets(all, "Egress", worker, { address: "198.51.100.7" }, 80), false);
      // Neither the inner network, nor what a cloud tells its machines.
      for (const address of ["10.1.2.3", "172.20.0.1", "192.168.0.1", "169.254.169.254"]) {
        assert.equal(lets(all, "Egress", worker, { address }, 443), false, address);
      }
      assert.equal(
        lets(all, "Egress", worker, { namespace: { "kubernetes.io/metadata.name": "data" }, labels: {} }, 6379),
        false,
      );
    }
    assert.equal(lets(all, "Egress", verify, apps, 8080), true);
    assert.equal(lets(all, "Egress", auth, apps, 8080), false);
    assert.equal(lets(all, "Egress", verify, { labels: auth }, 8001), true);
    assert.equal(lets(all, "Egress", verify, { labels: auth }, 8002), false);
  });

  it("let every Pod resolve names, in kube-system alone", async () => {
    const all = await manifests([EXAMPLE]);
    for (const { labels, name } of pods(all)) {
      for (const protocol of ["UDP", "TCP"]) {
        const dns = { namespace: { "kubernetes.io/metadata.name": "kube-system" }, labels: { "k8s-app": "kube-dns" } };
        assert.equal(lets(all, "Egress", labels, dns, 53, protocol), true, name);
        assert.equal(lets(all, "Egress", labels, STRANGER, 53, protocol), false, name);
      }
    }
  });

  it("go by what they are told of Supabase and the collector", async () => {
    const all = await manifests([EXAMPLE, ALL_ON]);
    for (const { labels } of pods(all).filter(({ name }) => /verify|auth/.test(name))) {
      assert.equal(lets(all, "Egress", labels, { namespace: { name: "supabase" }, labels: {} }, 8000), true);
      assert.equal(lets(all, "Egress", labels, { namespace: { name: "spans" }, labels: {} }, 4318), true);
      assert.equal(lets(all, "Egress", labels, { address: "198.51.100.7" }, 443), false);
    }
  });

  it("concern the Pods of this release, all of them, and no others", async () => {
    const all = await manifests([EXAMPLE]);
    const [denial] = all.filter(({ kind, metadata }) => kind === "NetworkPolicy" && metadata.name === "authflow-default-deny");
    assert.deepEqual(denial.spec.policyTypes, ["Ingress", "Egress"]);
    assert.equal(denial.spec.ingress ?? denial.spec.egress, undefined);
    for (const { labels } of pods(all)) assert.equal(matches(denial.spec.podSelector, labels), true);
    assert.equal(
      matches(denial.spec.podSelector, { ...labelsOf(all, "authflow-verify"), "app.kubernetes.io/instance": "other" }),
      false,
    );
  });

  it("are left out where they are turned off", async () => {
    assert.equal(
      (await manifests(RENDERINGS["all off"])).some(({ kind }) => kind === "NetworkPolicy"),
      false,
    );
  });
});

describe("a Service", () => {
  it("leads to the Pods of its component, and to no others", async () => {
    const all = await manifests([EXAMPLE]);
    for (const component of ["verify", "auth", "bridge"]) {
      const { spec } = find(all, "Service", `authflow-${component}`);
      const found = pods(all).filter(({ labels }) => matches({ matchLabels: spec.selector }, labels));
      assert.deepEqual(
        found.map(({ name }) => name),
        [`authflow-${component}`],
      );
      const port = found[0].spec.containers[0].ports[0];
      assert.deepEqual([spec.ports[0].targetPort, spec.ports[0].port], [port.name, port.containerPort]);
    }
  });
});

describe("the way in", () => {
  /** Which Service a path leads to: the longest prefix wins, segment by segment. */
  const leadsTo = (prefixes, path) => {
    const fitting = prefixes.filter(([prefix]) => prefix === "/" || path === prefix || path.startsWith(`${prefix}/`));
    return fitting.sort(([a], [b]) => b.length - a.length)[0][1];
  };
  const EXPECTED = {
    "/": "authflow-verify",
    "/app/hello": "authflow-verify",
    "/authors": "authflow-verify",
    "/auth": "authflow-auth",
    "/auth/signin": "authflow-auth",
    "/api/v1/simple_auth/signin": "authflow-auth",
    "/api/v1/other": "authflow-verify",
    "/metrics": "authflow-verify",
    "/.well-known/authflow/jwks.json": "authflow-verify",
  };

  it("by an Ingress leads sign-in to auth and all else to the gateway", async () => {
    const { spec } = find(await manifests([EXAMPLE]), "Ingress", "authflow");
    assert.deepEqual(spec.tls, [{ secretName: "app-example-com-tls", hosts: ["app.example.com"] }]);
    assert.equal(spec.ingressClassName, "nginx");
    assert.deepEqual(
      spec.rules.map(({ host }) => host),
      ["app.example.com"],
    );
    const { paths } = spec.rules[0].http;
    assert.ok(paths.every(({ pathType }) => pathType === "Prefix"));
    const prefixes = paths.map(({ path, backend }) => [path, backend.service.name]);
    for (const [path, service] of Object.entries(EXPECTED)) assert.equal(leadsTo(prefixes, path), service, path);
  });

  it("by a Gateway leads sign-in to auth and all else to the gateway", async () => {
    const all = await manifests([merge(LEAST, { httpRoute: { enabled: true, parentRefs: [{ name: "public" }] } })]);
    const { spec } = find(all, "HTTPRoute", "authflow");
    assert.deepEqual(spec.hostnames, ["app.example.com"]);
    assert.deepEqual(spec.parentRefs, [{ name: "public" }]);
    const prefixes = spec.rules.flatMap(({ matches, backendRefs: [{ name, port }] }) => {
      assert.equal(find(all, "Service", name).spec.ports[0].port, port);
      return matches.map(({ path }) => {
        assert.equal(path.type, "PathPrefix");
        return [path.value, name];
      });
    });
    for (const [path, service] of Object.entries(EXPECTED)) assert.equal(leadsTo(prefixes, path), service, path);
  });

  it("tells ingress-nginx to hold nothing back and to cut nothing off; one's own annotations count for more", async () => {
    const changes = {
      ingress: { annotations: { "nginx.ingress.kubernetes.io/proxy-body-size": "32m", "example.com/own": "1" } },
    };
    const { annotations } = find(await manifests([EXAMPLE, changes]), "Ingress", "authflow").metadata;
    const nginx = (name) => annotations[`nginx.ingress.kubernetes.io/${name}`];
    assert.deepEqual([nginx("proxy-buffering"), nginx("proxy-request-buffering")], ["off", "off"]);
    assert.ok(Number(nginx("proxy-read-timeout")) > 600, "the longest timeout_ms of a route");
    assert.deepEqual([nginx("proxy-body-size"), annotations["example.com/own"]], ["32m", "1"]);
  });

  it("is nobody's where neither is asked for", async () => {
    assert.equal(
      (await manifests([LEAST])).some(({ kind }) => ["Ingress", "HTTPRoute"].includes(kind)),
      false,
    );
  });
});

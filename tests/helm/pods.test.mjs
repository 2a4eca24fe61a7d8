// Every Pod: without rights, with room of its own, asked whether it lives, and given time to go.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { find, LEAST, manifests, merge, pods, RENDERINGS } from "./chart.mjs";

const containers = (all) =>
  pods(all).flatMap(({ name, spec }) =>
    spec.containers.map((container) => ({ ...container, id: `${name}/${container.name}` })),
  );

const container = (all, component) =>
  find(all, "Deployment", `authflow-${component}`).spec.template.spec.containers.find(({ name }) => name === component);

for (const [name, values] of Object.entries(RENDERINGS)) {
  describe(`every Pod: ${name}`, () => {
    it("has no rights that it has no use for", async () => {
      const all = await manifests(values);
      assert.ok(pods(all).length >= 3);
      for (const { name, spec } of pods(all)) {
        assert.equal(spec.automountServiceAccountToken, false, name);
        assert.equal(spec.enableServiceLinks, false, name);
        const { runAsNonRoot, runAsUser, seccompProfile } = spec.securityContext;
        assert.deepEqual(
          { runAsNonRoot, runAsUser, seccompProfile },
          {
            runAsNonRoot: true,
            runAsUser: 65532,
            seccompProfile: { type: "RuntimeDefault" },
          },
        );
        for (const field of ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"])
          assert.equal(spec[field], undefined);
      }
      for (const { id, securityContext } of containers(all)) {
        assert.deepEqual(
          securityContext,
          { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
          id,
        );
      }
    });

    it("says how much it needs, and has its memory bounded", async () => {
      for (const { id, resources } of containers(await manifests(values))) {
        assert.ok(resources.requests.cpu && resources.requests.memory && resources.limits.memory, id);
        // Who is throttled is late.
        assert.equal(resources.limits.cpu, undefined, id);
      }
    });

    it("names its image whole", async () => {
      for (const { id, image } of containers(await manifests(values))) {
        assert.match(image, /^registry\.example\.com\/authflow\/authflow-(worker|bridge)(:[\d.]+|@sha256:[0-9a-f]{64})$/, id);
      }
    });

    it("that serves is asked whether it lives, and goes on for a while when it is told to go", async () => {
      const serving = containers(await manifests(values)).filter(({ ports }) => ports);
      assert.ok(serving.length >= 2);
      for (const { id, startupProbe, readinessProbe, livenessProbe, lifecycle, ports } of serving) {
        assert.equal(ports.length, 1, id);
        for (const probe of [startupProbe, readinessProbe, livenessProbe]) assert.equal(probe.httpGet.port, "http", id);
        assert.deepEqual(lifecycle, { preStop: { sleep: { seconds: 10 } } }, id);
      }
    });
  });
}

describe("a Deployment", () => {
  it("takes an old Pod away only once a new one is ready", async () => {
    const all = await manifests(RENDERINGS.example);
    const deployments = all.filter(({ kind }) => kind === "Deployment");
    assert.deepEqual(deployments.map(({ metadata }) => metadata.name).sort(), [
      "authflow-auth",
      "authflow-bridge",
      "authflow-verify",
    ]);
    for (const { metadata, spec } of deployments) {
      assert.equal(spec.strategy.rollingUpdate.maxUnavailable, 0, metadata.name);
      assert.ok(spec.template.spec.terminationGracePeriodSeconds > 30, metadata.name);
      // The autoscaler has the say.
      assert.equal(spec.replicas, undefined, metadata.name);
    }
  });

  it("has as many Pods as it is told, where nothing scales it", async () => {
    const all = await manifests([merge(LEAST, { verify: { autoscaling: { enabled: false }, replicas: 7 } })]);
    assert.equal(find(all, "Deployment", "authflow-verify").spec.replicas, 7);
    assert.equal(
      all.some(({ kind, metadata }) => kind === "HorizontalPodAutoscaler" && metadata.name === "authflow-verify"),
      false,
    );
  });

  it("spreads its own Pods over zones and nodes", async () => {
    for (const { metadata, spec } of (await manifests(RENDERINGS.least)).filter(({ kind }) => kind === "Deployment")) {
      const constraints = spec.template.spec.topologySpreadConstraints;
      assert.deepEqual(constraints.map(({ topologyKey }) => topologyKey).sort(), [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
      ]);
      for (const { labelSelector } of constraints)
        assert.deepEqual(labelSelector.matchLabels, spec.selector.matchLabels, metadata.name);
    }
  });

  it("is scaled by its own container, and emptied from a node Pod by Pod", async () => {
    const all = await manifests(RENDERINGS.example);
    for (const component of ["verify", "auth", "bridge"]) {
      const { spec } = find(all, "HorizontalPodAutoscaler", `authflow-${component}`);
      assert.deepEqual(spec.scaleTargetRef, { apiVersion: "apps/v1", kind: "Deployment", name: `authflow-${component}` });
      assert.ok(spec.minReplicas >= 2 && spec.maxReplicas > spec.minReplicas);
      assert.equal(spec.metrics[0].containerResource.container, component);
      assert.ok(container(all, component).resources.requests.cpu, "which its share is of");
      assert.ok(spec.behavior.scaleDown.stabilizationWindowSeconds >= 300);

      const budget = find(all, "PodDisruptionBudget", `authflow-${component}`).spec;
      assert.equal(budget.maxUnavailable, 1);
      assert.deepEqual(budget.selector, find(all, "Deployment", `authflow-${component}`).spec.selector);
    }
  });

  it("is made anew when its settings change, and only then", async () => {
    const checksum = async (values, component) =>
      find(await manifests([values]), "Deployment", `authflow-${component}`).spec.template.metadata.annotations[
        "checksum/settings"
      ];
    const changed = merge(LEAST, { verify: { settings: { SERVER_TIMING: 1 } } });
    assert.notEqual(await checksum(LEAST, "verify"), await checksum(changed, "verify"));
    assert.equal(await checksum(LEAST, "auth"), await checksum(changed, "auth"));
    const elsewhere = merge(LEAST, { redis: { url: "redis://other:6379" } });
    assert.notEqual(await checksum(LEAST, "bridge"), await checksum(elsewhere, "bridge"));
    assert.equal(await checksum(LEAST, "verify"), await checksum(elsewhere, "verify"));
  });
});

describe("what a Pod is asked", () => {
  it("once it serves concerns itself alone, so that no outage takes all of them out of service", async () => {
    const all = await manifests(RENDERINGS.example);
    for (const component of ["verify", "auth", "bridge"]) {
      const { readinessProbe, livenessProbe } = container(all, component);
      for (const probe of [readinessProbe, livenessProbe]) assert.equal(probe.httpGet.path, "/health");
    }
  });

  it("before a bridge serves is whether it reaches Redis, so that no other one goes for it in vain", async () => {
    const { startupProbe } = container(await manifests(RENDERINGS.example), "bridge");
    assert.equal(startupProbe.httpGet.path, "/health?ready");
    assert.ok(startupProbe.periodSeconds * startupProbe.failureThreshold >= 600);
  });

  it("is asked of the gateway under its host, from an address it can read", async () => {
    const asked = async (values) => container(await manifests([values]), "verify").livenessProbe.httpGet.httpHeaders;
    assert.deepEqual(await asked(LEAST), [
      { name: "Host", value: "app.example.com" },
      { name: "X-Real-IP", value: "127.0.0.1" },
    ]);
    const other = merge(LEAST, { host: "door.example.org", settings: { CLIENT_IP_HEADER: "True-Client-IP" } });
    assert.deepEqual(await asked(other), [
      { name: "Host", value: "door.example.org" },
      { name: "True-Client-IP", value: "127.0.0.1" },
    ]);
  });
});

describe("the auth worker's Pod", () => {
  it("has its chores done each minute from within, and their port told to nobody", async () => {
    const all = await manifests(RENDERINGS.least);
    const { containers } = find(all, "Deployment", "authflow-auth").spec.template.spec;
    const chores = containers.find(({ name }) => name === "chores");
    assert.deepEqual(chores.args, ["call", "http://127.0.0.1:8002/", "--every", "60"]);
    assert.equal(chores.ports, undefined);
    const auth = containers.find(({ name }) => name === "auth");
    assert.deepEqual(auth.args, ["auth.capnp", "--socket-addr", "chores=127.0.0.1:8002"]);
    for (const { spec } of all.filter(({ kind }) => kind === "Service")) {
      assert.ok(spec.ports.every(({ port, targetPort }) => port !== 8002 && targetPort === "http"));
    }
  });
});

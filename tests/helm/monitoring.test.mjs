// What Prometheus' operator is given: the alerts of deploy/prometheus, and targets as they want them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

import { EXAMPLE, find, LEAST, manifests, merge, RENDERINGS, render } from "./chart.mjs";

const ALERTS = readFileSync(new URL("../../deploy/prometheus/alerts.yaml", import.meta.url), "utf8");

describe("the rules", () => {
  it("are those of deploy/prometheus, word for word", async () => {
    const indented = ALERTS.replace(/^(?=.)/gm, "  ");
    assert.ok((await render([EXAMPLE])).replace(/ +$/gm, "").includes(indented.trimEnd()));
    const { spec, metadata } = find(await manifests([EXAMPLE]), "PrometheusRule", "authflow");
    assert.equal(metadata.labels.release, "prometheus");
    const names = spec.groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
    assert.deepEqual(
      names,
      [...ALERTS.matchAll(/- alert: (\w+)/g)].map(([, name]) => name),
    );
    // Prometheus fills this in, not Helm.
    assert.match(JSON.stringify(spec), /\{\{ \$labels\.job \}\}/);
  });
});

describe("a monitor", () => {
  it("of each worker asks once for all its Pods, where everybody asks, under the name that the alerts know", async () => {
    const all = await manifests([EXAMPLE]);
    for (const [component, path] of [
      ["verify", "/metrics"],
      ["auth", "/api/v1/simple_auth/metrics"],
    ]) {
      const { spec, metadata } = find(all, "ServiceMonitor", `authflow-${component}`);
      assert.equal(metadata.labels.release, "prometheus");
      assert.deepEqual(spec.selector.matchLabels, find(all, "Service", `authflow-${component}`).spec.selector);
      const [{ port, scheme, path: asked, authorization, relabelings }] = spec.endpoints;
      assert.deepEqual([port, scheme, asked], ["http", "https", path]);
      assert.deepEqual(authorization, { credentials: { name: "authflow", key: "METRICS_TOKEN" } });
      // Two Pods, as the operator tells of them, come to one target.
      const targets = ["10.0.0.1", "10.0.0.2"].map((address) =>
        relabelled(relabelings, { __address__: `${address}:8000`, pod: address }),
      );
      assert.deepEqual(targets[0], targets[1]);
      assert.deepEqual(targets[0], {
        __address__: "app.example.com",
        instance: "app.example.com",
        job: `authflow-${component}`,
      });
      assert.ok(ALERTS.includes(`authflow-${component}`));
    }
  });

  it("of the bridge asks each of its Pods", async () => {
    const { spec } = find(await manifests([EXAMPLE]), "ServiceMonitor", "authflow-bridge");
    const [{ scheme, path, relabelings }] = spec.endpoints;
    assert.deepEqual([scheme, path], [undefined, "/metrics"]);
    assert.deepEqual(relabelled(relabelings, { __address__: "10.0.0.1:8079", pod: "a" }), {
      __address__: "10.0.0.1:8079",
      pod: "a",
      job: "authflow-bridge",
    });
  });

  it("takes each worker's own token", async () => {
    const values = merge(LEAST, {
      monitoring: { serviceMonitor: { enabled: true } },
      secrets: { METRICS_TOKEN: {} },
      auth: { secrets: { METRICS_TOKEN: { name: "other", key: "token" } } },
    });
    const all = await manifests([values]);
    const token = (component) =>
      find(all, "ServiceMonitor", `authflow-${component}`).spec.endpoints[0].authorization.credentials;
    assert.deepEqual(token("verify"), { name: "secrets", key: "METRICS_TOKEN" });
    assert.deepEqual(token("auth"), { name: "other", key: "token" });
  });

  it("is there only where it is asked for", async () => {
    for (const name of ["least", "all off"]) {
      assert.equal(
        (await manifests(RENDERINGS[name])).some(({ apiVersion }) => apiVersion.startsWith("monitoring.")),
        false,
      );
    }
  });
});

/** What Prometheus makes of labels, by the two actions that the chart uses. */
function relabelled(relabelings, labels) {
  let result = { ...labels };
  for (const { action = "replace", targetLabel, replacement, regex } of relabelings) {
    if (action === "replace") result[targetLabel] = replacement;
    else if (action === "labeldrop") {
      result = Object.fromEntries(Object.entries(result).filter(([name]) => !new RegExp(`^(?:${regex})$`).test(name)));
    } else throw new Error(`unknown action ${action}`);
  }
  return result;
}

// Each way to use the chart: Helm has nothing against it, and no cluster would.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { conform, judge, lint, manifests, RENDERINGS, render, template } from "./chart.mjs";

describe("the chart", () => {
  it("is without fault to helm lint by itself", async () => {
    const { status, stdout, stderr } = await lint([]);
    assert.equal(status, 0, stdout + stderr);
  });

  for (const [name, values] of Object.entries(RENDERINGS)) {
    it(`is without fault to helm lint: ${name}`, async () => {
      const { status, stdout, stderr } = await lint(values);
      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, /1 chart\(s\) linted, 0 chart\(s\) failed/);
    });

    it(`obeys Kubernetes' schemas: ${name}`, async () => {
      const { status, stdout, stderr } = await conform(await render(values));
      const { resources = [], summary } = JSON.parse(stdout);
      assert.deepEqual(resources, [], stderr);
      assert.equal(status, 0);
      assert.ok(summary.valid >= 7, stdout);
      assert.equal(summary.skipped, 0);
    });

    it(`would be taken by an API server, without a warning, into a namespace that is "restricted": ${name}`, async () => {
      assert.ok((await manifests(values)).length >= 7);
    });
  }

  it("asks for a Kubernetes that has all it uses", async () => {
    const { status, stderr } = await template(RENDERINGS.least, ["--kube-version", "1.29.9"]);
    assert.notEqual(status, 0);
    assert.match(stderr, /requires kubeVersion/);
    await render(RENDERINGS.least, ["--kube-version", "1.30.0"]);
  });

  it("leaves no two manifests with one name", async () => {
    for (const values of Object.values(RENDERINGS)) {
      const names = (await manifests(values)).map(({ kind, metadata }) => `${kind}/${metadata.name}`);
      assert.deepEqual(names, [...new Set(names)]);
    }
  });

  it("is cut to names that are not too long", async () => {
    await manifests([{ ...RENDERINGS.least[0], nameOverride: "n".repeat(50) }]);
  });
});

describe("what judges it", () => {
  const broken = {
    "a field that there is not": [/replicas: 3/, "replicas: 3\n  replcas: 4", /replcas/],
    "a quantity that is none": [/memory: 512Mi/, "memory: 512MiB", /quantit|memory|pattern/i],
    "a Pod that may become root": [
      /allowPrivilegeEscalation: false/,
      "allowPrivilegeEscalation: true",
      /allowPrivilegeEscalation/,
    ],
    "a selector that matches nothing": [
      /(kind: Deployment[\s\S]*?matchLabels:[\s\S]*?component: )auth/,
      "$1authentic",
      /selector/,
    ],
    "a port without its name": [/targetPort: http/, "targetPort: a-name-that-is-too-long", /targetPort/],
  };
  for (const [what, [from, to, told]] of Object.entries(broken)) {
    it(`refuses ${what}`, async () => {
      const yaml = await render(RENDERINGS["all off"]);
      const changed = yaml.replace(from, to);
      assert.notEqual(changed, yaml);
      await assert.rejects(judge(changed), ({ message }) => told.test(message));
    });
  }

  it("refuses, by the schemas, a field that there is not", async () => {
    const yaml = await render(RENDERINGS["all on"]);
    for (const [kind, field] of [
      ["Deployment", "spec:"],
      ["Service", "spec:"],
      ["ServiceMonitor", "spec:"],
      ["HTTPRoute", "spec:"],
    ]) {
      const changed = yaml.replace(
        new RegExp(`(\\nkind: ${kind}\\n[\\s\\S]*?\\n)${field}\\n`),
        `$1${field}\n  unheardOf: true\n`,
      );
      assert.notEqual(changed, yaml);
      const { status, stdout } = await conform(changed);
      assert.notEqual(status, 0, kind);
      assert.match(stdout, /unheardOf/);
    }
  });
});

// Secrets are named, never made, never taken as a value, and each goes to those alone who need it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { SECRETS, secretsOf } from "../../scripts/common/secret-names.mjs";
import { find, LEAST, manifests, merge, pods, RENDERINGS, render, template } from "./chart.mjs";

/** Every secret that the workers read, and the password of the bridge. */
const ALL = { secrets: Object.fromEntries([...Object.keys(SECRETS), "REDIS_PASSWORD"].map((name) => [name, {}])) };

const containers = (all, component) => find(all, "Deployment", `authflow-${component}`).spec.template.spec.containers;
/** What comes from where to a worker, as `{NAME: "secret/key"}`. */
const references = (all, component) =>
  Object.fromEntries(
    containers(all, component)[0].env.map(({ name, valueFrom: { secretKeyRef } }) => [
      name,
      `${secretKeyRef.name}/${secretKeyRef.key}`,
    ]),
  );

describe("the chart", () => {
  for (const [name, values] of Object.entries(RENDERINGS)) {
    it(`makes no Secret, and reads none: ${name}`, async () => {
      const yaml = await render(values);
      assert.equal(/^kind: Secret$/m.test(yaml), false);
      for (const { name, spec } of pods(await manifests(values))) {
        for (const { env = [], envFrom = [] } of [...spec.containers, ...(spec.initContainers ?? [])]) {
          assert.ok(
            env.every(({ valueFrom }) => valueFrom?.secretKeyRef && !valueFrom.secretKeyRef.optional),
            name,
          );
          assert.ok(
            envFrom.every(({ configMapRef }) => configMapRef),
            name,
          );
        }
      }
    });
  }
});

describe("a secret", () => {
  it("goes to those alone who need it", async () => {
    const all = await manifests([merge(LEAST, ALL)]);
    const names = (component) => Object.keys(references(all, component)).sort();
    for (const worker of ["verify", "auth"]) assert.deepEqual(names(worker), secretsOf(worker).toSorted());
    const { volumes } = find(all, "Deployment", "authflow-bridge").spec.template.spec;
    const files = volumes.find(({ name }) => name === "secrets").projected.sources.flatMap(({ secret }) => secret.items);
    assert.deepEqual(files.map(({ path }) => path).sort(), ["BRIDGE_TOKEN", "METRICS_TOKEN", "REDIS_PASSWORD"]);
    const helper = containers(all, "auth").find(({ name }) => name === "chores");
    assert.equal(helper.env ?? helper.envFrom ?? helper.volumeMounts, undefined);
  });

  it("that is not named is asked of nobody", async () => {
    const all = await manifests([LEAST]);
    assert.deepEqual(Object.keys(references(all, "verify")).sort(), [
      "FINGERPRINT_SECRET",
      "SESSION_SECRET",
      "UPSTASH_REDIS_REST_TOKEN",
    ]);
    const none = await manifests([merge(LEAST, { ...ALL, secrets: { ...ALL.secrets, METRICS_TOKEN: null } })]);
    assert.equal("METRICS_TOKEN" in references(none, "verify"), false);
  });

  it("comes from the Secret that has all, or from one of its own, under a key of its own", async () => {
    const all = await manifests([merge(LEAST, { secrets: { SESSION_SECRET: { name: "signing", key: "current.key" } } })]);
    for (const component of ["verify", "auth"]) {
      assert.equal(references(all, component).SESSION_SECRET, "signing/current.key");
      assert.equal(references(all, component).FINGERPRINT_SECRET, "secrets/FINGERPRINT_SECRET");
    }
  });

  it("can be another one in each worker, where that is of use", async () => {
    const values = merge(LEAST, { ...ALL, verify: { secrets: { SUPABASE_SERVICE_ROLE_KEY: { key: "for-verify" } } } });
    const all = await manifests([values]);
    assert.equal(references(all, "verify").SUPABASE_SERVICE_ROLE_KEY, "secrets/for-verify");
    assert.equal(references(all, "auth").SUPABASE_SERVICE_ROLE_KEY, "secrets/SUPABASE_SERVICE_ROLE_KEY");
    const { status, stderr } = await template([merge(LEAST, { verify: { secrets: { SESSION_SECRET: {} } } })]);
    assert.notEqual(status, 0);
    assert.match(stderr, /'\/verify\/secrets': additional properties 'SESSION_SECRET' not allowed/);
  });

  it("is the same token for the workers and for the bridge, which may take another one while it is changed", async () => {
    const secrets = { UPSTASH_REDIS_REST_TOKEN: { name: "redis", key: "token" } };
    const taken = (all) => {
      const { volumes } = find(all, "Deployment", "authflow-bridge").spec.template.spec;
      return volumes[0].projected.sources.map(({ secret: { name, items } }) => [name, items]);
    };
    const all = await manifests([merge(LEAST, { secrets })]);
    assert.equal(references(all, "verify").UPSTASH_REDIS_REST_TOKEN, "redis/token");
    assert.deepEqual(taken(all), [["redis", [{ key: "token", path: "BRIDGE_TOKEN" }]]]);
    const own = await manifests([merge(LEAST, { secrets: { ...secrets, BRIDGE_TOKEN: {} } })]);
    assert.equal(references(own, "verify").UPSTASH_REDIS_REST_TOKEN, "redis/token");
    assert.deepEqual(taken(own), [["secrets", [{ key: "BRIDGE_TOKEN", path: "BRIDGE_TOKEN" }]]]);
  });

  // None of these is a secret of anybody's.
  const VALUES = {
    "in settings": { settings: { SESSION_SECRET: "hunter2hunter2hunter2" } },
    "in one worker's settings": { auth: { settings: { FERNET_KEYS: "hunter2hunter2hunter2" } } },
    "in the bridge's settings": { bridge: { settings: { REDIS_PASSWORD: "hunter2hunter2hunter2" } } },
    "in place of its reference": { secrets: { SESSION_SECRET: "hunter2hunter2hunter2" } },
    "in Redis' address": { redis: { url: "redis://default:hunter2hunter2hunter2@redis:6379" } },
    "in an address of a setting": { settings: { OTLP_URL: "https://me:hunter2hunter2hunter2@spans.example.com" } },
    "of Supabase's, in a setting": { settings: { SUPABASE_URL: "sb_secret_hunter2hunter2hunter2" } },
    "that is a token, in a setting": {
      auth: { settings: { BRAND_NAME: "eyJhbGciOiJIUzI1NiJ9.hunter2hunter2hunter2.c2ln" } },
    },
  };
  for (const [where, changes] of Object.entries(VALUES)) {
    it(`that is given as a value is refused, and not told again: ${where}`, async () => {
      const { status, stdout, stderr } = await template([merge(LEAST, changes)]);
      assert.notEqual(status, 0);
      assert.match(stderr, /no secret is given as a value: put it into a Secret, named in `secrets`/);
      assert.equal(`${stdout}${stderr}`.includes("hunter2"), false, stderr);
    });
  }
});

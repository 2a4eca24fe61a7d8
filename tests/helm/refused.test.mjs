// What is missing or misspelt is told, all of it at once, with what to do.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { EXAMPLE, LEAST, merge, template } from "./chart.mjs";

async function refused(values) {
  const { status, stderr } = await template(values);
  assert.notEqual(status, 0, "it was rendered");
  return stderr;
}

describe("what is missing", () => {
  it("is told all at once", async () => {
    const told = await refused([]);
    for (const name of [
      "host",
      "image.registry",
      "routes",
      "settings.SUPABASE_URL",
      "settings.CLIENT_IP_HEADER",
      "secrets.SESSION_SECRET",
      "secrets.FINGERPRINT_SECRET",
      "secrets.FERNET_KEYS",
      "secrets.SUPABASE_ANON_KEY",
      "secrets.UPSTASH_REDIS_REST_TOKEN",
      "redis.url",
      "networkPolicy.ingressFrom",
      "networkPolicy.redis",
      "networkPolicy.origins",
    ]) {
      assert.equal(told.split(`\n  * ${name}: `).length, 2, name);
    }
  });

  const MISSING = {
    host: [{ host: "" }, /\* host: say under which name .* app\.example\.com/],
    "the registry": [{ image: { registry: "" } }, /\* image\.registry: build both images .*deploy\/self-host\/Dockerfile/],
    routes: [{ routes: [] }, /\* routes: say which paths go to which application/],
    Supabase: [{ settings: { SUPABASE_URL: "" } }, /\* settings\.SUPABASE_URL: the URL of your Supabase project/],
    "the client's address": [
      { settings: { CLIENT_IP_HEADER: "" } },
      /\* settings\.CLIENT_IP_HEADER: .* lets no client tell it/,
    ],
    secrets: [{ existingSecret: "" }, /\* secrets\.SESSION_SECRET: name the Secret .*existingSecret/],
    "a secret that is required": [{ secrets: { FERNET_KEYS: null } }, /\* secrets\.FERNET_KEYS: it is required/],
    Redis: [{ redis: { url: "" } }, /\* redis\.url: where Redis is/],
    "the name of Redis among sentinels": [
      { redis: { url: null, sentinel: { addresses: ["a:26379"] } } },
      /\* redis\.sentinel\.master: the name by which the sentinels know Redis/,
    ],
    "a user's password": [{ redis: { username: "authflow" } }, /\* secrets\.REDIS_PASSWORD: the password of the user authflow/],
    "Redis over HTTP": [{ bridge: { enabled: false } }, /\* settings\.UPSTASH_REDIS_REST_URL: where Redis answers over HTTP/],
    "where the ingress controller runs": [
      { networkPolicy: { ingressFrom: [] } },
      /\* networkPolicy\.ingressFrom: .*nobody else/,
    ],
    "where Redis runs": [{ networkPolicy: { redis: [] } }, /\* networkPolicy\.redis: say where Redis runs/],
    "where applications run": [
      { networkPolicy: { origins: null } },
      /\* networkPolicy\.origins: say where your applications run/,
    ],
    "the Gateway": [{ httpRoute: { enabled: true } }, /\* httpRoute\.parentRefs: name the Gateway/],
    "the token of metrics": [
      { monitoring: { serviceMonitor: { enabled: true } } },
      /\* secrets\.METRICS_TOKEN: without it nobody/,
    ],
  };
  for (const [what, [changes, told]] of Object.entries(MISSING)) {
    it(`is told with what to do: ${what}`, async () => {
      const stderr = await refused([merge(LEAST, changes)]);
      assert.match(stderr, told);
      assert.equal(stderr.split("\n  * ").length, what === "secrets" ? 6 : 2, `nothing else: ${stderr}`);
    });
  }
});

describe("what contradicts itself", () => {
  it("is told: a bridge, and Redis over HTTP from elsewhere", async () => {
    const told = await refused([merge(LEAST, { settings: { UPSTASH_REDIS_REST_URL: "https://example.upstash.io" } })]);
    assert.match(told, /\* settings\.UPSTASH_REDIS_REST_URL: the workers ask the bridge; leave it out/);
  });

  it("is told: two places where Redis is", async () => {
    const told = await refused([merge(LEAST, { redis: { sentinel: { addresses: ["a:26379"], master: "m" } } })]);
    assert.match(told, /\* redis\.url: leave it out, where redis\.sentinel\.addresses are asked/);
  });

  it("is told: certificates without TLS", async () => {
    const told = await refused([merge(LEAST, { redis: { ca: { configMap: "own" } } })]);
    assert.match(told, /\* redis\.ca and redis\.certificate: are for TLS; write rediss:\/\//);
  });

  it("is told: less time to stop in than passes before", async () => {
    const slow = await refused([merge(LEAST, { shutdownDelaySeconds: 60 })]);
    for (const component of ["verify", "auth"]) {
      assert.match(slow, new RegExp(`\\* ${component}\\.terminationGracePeriodSeconds: more than 60, `));
    }
    const draining = await refused([merge(LEAST, { bridge: { settings: { BRIDGE_DRAIN_SECONDS: 35 } } })]);
    assert.match(draining, /\* bridge\.terminationGracePeriodSeconds: more than 45, the time before it stops/);
    assert.equal(draining.split("\n  * ").length, 2);
  });

  it("is told: fewer at the most than at the least", async () => {
    const told = await refused([merge(LEAST, { auth: { autoscaling: { minReplicas: 12 } } })]);
    assert.match(told, /\* auth\.autoscaling\.maxReplicas: at least minReplicas/);
  });
});

describe("what is unknown", () => {
  const UNKNOWN = {
    "a value": [{ hosts: ["a"] }, "hosts"],
    "a setting": [{ settings: { LOGLEVEL: "info" } }, "LOGLEVEL"],
    "a setting of the other worker's": [{ auth: { settings: { SESSION_CACHE_MS: 1000 } } }, "SESSION_CACHE_MS"],
    "a setting of the bridge": [{ bridge: { settings: { DRAIN: 1 } } }, "DRAIN"],
    "a secret": [{ secrets: { SESION_SECRET: {} } }, "SESION_SECRET"],
    "a field of a reference": [{ secrets: { SESSION_SECRET: { secret: "x" } } }, "secret"],
    "a part of a component": [{ verify: { replicaCount: 3 } }, "replicaCount"],
    "a field of a peer": [{ networkPolicy: { ingressFrom: [{ namespace: "edge" }] } }, "namespace"],
    "a field of a rule": [{ networkPolicy: { redis: [{ to: [{ ipBlock: { cidr: "10.0.0.1/32" } }], port: 6379 }] } }, "port"],
  };
  for (const [what, [changes, name]] of Object.entries(UNKNOWN)) {
    it(`is refused: ${what}`, async () => {
      assert.match(await refused([merge(LEAST, changes)]), new RegExp(`additional properties '${name}' not allowed`));
    });
  }

  const WRONG = {
    "a host with more than its name": [{ host: "https://app.example.com/" }, /'\/host': value must be 'a name alone/],
    "a controller": [{ ingress: { controller: "nginx" } }, /'\/ingress\/controller': value must be one of '', 'ingress-nginx'/],
    "no peer at all": [{ networkPolicy: { ingressFrom: [{}] } }, /'\/networkPolicy\/ingressFrom\/0'/],
    "a rule to everybody": [{ networkPolicy: { redis: [{ ports: [{ port: 6379 }] }] } }, /'\/networkPolicy\/redis\/0'/],
    "a setting that is true": [{ settings: { DATABASE_FALLBACK: true } }, /'\/settings\/DATABASE_FALLBACK': got boolean/],
    "a digest that is none": [{ image: { worker: { digest: "latest" } } }, /'\/image\/worker\/digest'/],
  };
  for (const [what, [changes, told]] of Object.entries(WRONG)) {
    it(`is refused: ${what}`, async () => assert.match(await refused([merge(LEAST, changes)]), told));
  }

  it("is refused beside the example, too", async () => {
    assert.match(await refused([EXAMPLE, { ingres: {} }]), /additional properties 'ingres' not allowed/);
  });
});

// Settings reach the workers as they were given, whatever is in them, and every setting can be given.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { makeFolder } from "../support/folders.mjs";
import { VARIABLES } from "../support/variables.mjs";
import { CHART, find, LEAST, manifests, merge, template } from "./chart.mjs";

/** What only the platform of Cloudflare tells. */
const PLATFORM = ["CF_VERSION_METADATA"];
const SETTINGS = VARIABLES.filter(({ name, isSecret }) => !isSecret && name !== "ROUTES" && !PLATFORM.includes(name));
const SECRETS = VARIABLES.filter(({ isSecret }) => isSecret);

/** Secrets of the bridge alone. */
const OF_THE_BRIDGE = ["BRIDGE_TOKEN", "REDIS_PASSWORD", "REDIS_SENTINEL_PASSWORD"];

/** What a JSON of routes can hold, and a template, a shell, YAML or Kubernetes could take for something else. */
const ROUTES = [
  {
    id: "app",
    path: "/app/*",
    upstream: ["http://a.apps.svc:8080", "http://b.apps.svc:8080"],
    max_body_bytes: 10737418240,
  },
  { id: "quoted \"twice\" and 'once'", path: "/%7B%7B/{{ .Values.host }}/$(GATEWAY_URL)/*", upstream: "https://x.test" },
  {
    id: "ünï—cøde <&> 10% #no: comment",
    path: "/*",
    upstream: "https://y.test",
    rate_limit: { requests: 1000000, seconds: 86400 },
  },
];

const data = async (values, component, extra) =>
  find(await manifests([values], extra), "ConfigMap", `authflow-${component}`).data;

let folder;
before(async () => {
  folder = await makeFolder("authflow-helm-");
});
after(() => rm(folder, { recursive: true, force: true }));

describe("routes", () => {
  it("reach the gateway as they were given, in YAML", async () => {
    const { ROUTES: text } = await data(merge(LEAST, { routes: ROUTES }), "verify");
    assert.deepEqual(JSON.parse(text), ROUTES);
    // A float would be a fault to the gateway.
    assert.match(text, /10737418240/);
  });

  it("reach the gateway letter by letter, in a file with JSON", async () => {
    const json = JSON.stringify(ROUTES, null, 2) + "\n";
    const file = join(folder, "routes.json");
    await writeFile(file, json);
    const { ROUTES: text } = await data(merge(LEAST, { routes: "" }), "verify", ["--set-file", `routes=${file}`]);
    assert.equal(text, json);
  });

  it("come by a ConfigMap, in which Kubernetes fills in nothing", async () => {
    const all = await manifests([merge(LEAST, { routes: ROUTES })]);
    const [verify] = find(all, "Deployment", "authflow-verify").spec.template.spec.containers;
    assert.deepEqual(verify.envFrom, [{ configMapRef: { name: "authflow-verify" } }]);
    assert.equal(
      verify.env.some(({ value }) => value !== undefined),
      false,
    );
  });

  it("that are longer than Linux takes are refused", async () => {
    const long = [{ id: "long", path: "/*", upstream: `https://x.test/${"x".repeat(131_072)}` }];
    const { status, stderr } = await template([merge(LEAST, { routes: long })]);
    assert.notEqual(status, 0);
    assert.match(stderr, /ROUTES: Linux takes 128 KiB at the most/);
  });
});

describe("every setting", () => {
  it("is known here", () => assert.ok(SETTINGS.length > 45 && SECRETS.length > 9));

  it("of both workers can be given, and reaches both", async () => {
    const shared = SETTINGS.filter(({ readers, name }) => readers.length === 2 && name !== "UPSTASH_REDIS_REST_URL");
    // One of them is the name of a header.
    const values = Object.fromEntries(shared.map(({ name }) => [name, `Of-${name.replaceAll("_", "-")}`]));
    const given = merge(LEAST, { settings: values });
    for (const component of ["verify", "auth"]) {
      const found = await data(given, component);
      for (const [name, value] of Object.entries(values)) assert.equal(found[name], value, `${component} ${name}`);
    }
  });

  it("of one worker can be given to it, and reaches no other", async () => {
    for (const [component, other] of [
      ["verify", "auth"],
      ["auth", "verify"],
    ]) {
      const own = SETTINGS.filter(
        ({ readers, mayDiffer }) => readers.includes(component) && (readers.length === 1 || mayDiffer),
      );
      const values = Object.fromEntries(own.map(({ name }) => [name, `of ${component}`]));
      const given = merge(LEAST, { [component]: { settings: values } });
      const found = await data(given, component);
      for (const name of Object.keys(values)) assert.equal(found[name], `of ${component}`, name);
      assert.equal(JSON.stringify(await data(given, other)).includes(`of ${component}`), false);
    }
  });

  it("that must be the same in both workers can be given to both only", async () => {
    for (const { name } of SETTINGS.filter(({ readers, mayDiffer }) => readers.length === 2 && !mayDiffer)) {
      const { status, stderr } = await template([merge(LEAST, { auth: { settings: { [name]: "x" } } })]);
      assert.notEqual(status, 0, name);
      assert.match(stderr, new RegExp(`'/auth/settings'.*'${name}' not allowed`));
    }
  });

  it("that the chart does not know is none that a worker reads", () => {
    const { properties } = JSON.parse(readFileSync(join(CHART, "values.schema.json"), "utf8"));
    const known = [properties, properties.verify.properties, properties.auth.properties].flatMap((part) =>
      Object.keys(part.settings.properties),
    );
    assert.deepEqual([...new Set(known)].sort(), SETTINGS.map(({ name }) => name).sort());
    const secrets = Object.keys(properties.secrets.properties);
    assert.deepEqual(secrets.sort(), [...SECRETS.map(({ name }) => name), ...OF_THE_BRIDGE].sort());
  });
});

describe("a setting", () => {
  it("that is a number, a list or an object is told as the workers read it", async () => {
    const texts = { en: { signin_title: 'Say "friend"' } };
    const found = await data(
      merge(LEAST, { settings: { SESSION_MAX_SECONDS: 31536000 }, auth: { settings: { TEXTS: texts, PHONE_FACTORS: 0 } } }),
      "auth",
    );
    assert.equal(found.SESSION_MAX_SECONDS, "31536000");
    assert.equal(found.PHONE_FACTORS, "0");
    assert.deepEqual(JSON.parse(found.TEXTS), texts);
  });

  it("that is null is not given, and one that is empty is not set", async () => {
    const found = await data(
      merge(LEAST, { settings: { LOG_LEVEL: null }, verify: { settings: { AUTH_BINDING: "" } } }),
      "verify",
    );
    assert.equal("LOG_LEVEL" in found, false);
    assert.equal(found.AUTH_BINDING, "");
    assert.equal(
      (await data(merge(LEAST, { verify: { settings: { PUBLIC_HOSTS: null } } }), "verify")).PUBLIC_HOSTS,
      "app.example.com",
    );
  });

  it("that the chart knows itself needs not be given", async () => {
    const verify = await data(LEAST, "verify");
    assert.equal(verify.GATEWAY_URL, "https://app.example.com");
    assert.equal(verify.AUTH_URL, "https://app.example.com");
    assert.equal(verify.PUBLIC_HOSTS, "app.example.com");
    assert.equal(verify.UPSTASH_REDIS_REST_URL, "http://authflow-bridge:8079");
    assert.equal(verify.AUTH_BINDING, "AUTH");
  });

  it("that names the client's address is known for ingress-nginx", async () => {
    const values = merge(LEAST, {
      settings: { CLIENT_IP_HEADER: null },
      ingress: { enabled: true, controller: "ingress-nginx" },
    });
    for (const component of ["verify", "auth"]) assert.equal((await data(values, component)).CLIENT_IP_HEADER, "X-Real-IP");
  });

  it("of the gateway's service to sign-in leads to the auth worker's Service", async () => {
    const all = await manifests([LEAST]);
    const [{ args }] = find(all, "Deployment", "authflow-verify").spec.template.spec.containers;
    assert.deepEqual(args, ["verify.capnp", "--external-addr", "auth=authflow-auth:8001"]);
    const { spec } = find(all, "Service", "authflow-auth");
    assert.equal(spec.ports[0].port, 8001);
    assert.deepEqual(spec.selector, find(all, "Deployment", "authflow-auth").spec.selector.matchLabels);
  });
});

describe("the bridge", () => {
  const IN = "/run/secrets/authflow";

  it("finds Redis where it is said to be, and reads its secrets from files", async () => {
    const secrets = { REDIS_PASSWORD: {}, METRICS_TOKEN: {} };
    assert.deepEqual(await data(merge(LEAST, { secrets, bridge: { settings: { BRIDGE_DRAIN_SECONDS: 0 } } }), "bridge"), {
      REDIS_URL: "redis://redis.data.svc:6379",
      BRIDGE_DRAIN_SECONDS: "0",
      BRIDGE_TOKEN_FILE: `${IN}/BRIDGE_TOKEN`,
      REDIS_PASSWORD_FILE: `${IN}/REDIS_PASSWORD`,
      METRICS_TOKEN_FILE: `${IN}/METRICS_TOKEN`,
    });
  });

  it("can be told sentinels, users, a CA and a certificate", async () => {
    const redis = {
      url: null,
      username: "authflow",
      sentinel: {
        addresses: ["a.data.svc:26379", "b.data.svc:26379"],
        master: "mymaster",
        username: "watcher",
        tls: true,
        database: 3,
      },
      ca: { configMap: "redis-ca", key: "own.crt" },
      certificate: { secret: "redis-client" },
    };
    const values = merge(LEAST, { redis, secrets: { REDIS_PASSWORD: {}, REDIS_SENTINEL_PASSWORD: {} } });
    assert.deepEqual(await data(values, "bridge"), {
      REDIS_USERNAME: "authflow",
      REDIS_SENTINELS: "a.data.svc:26379,b.data.svc:26379",
      REDIS_SENTINEL_MASTER: "mymaster",
      REDIS_SENTINEL_USERNAME: "watcher",
      REDIS_SENTINEL_TLS: "1",
      REDIS_SENTINEL_DATABASE: "3",
      REDIS_CA_FILE: "/run/redis-ca/ca.crt",
      REDIS_CERT_FILE: "/run/redis-certificate/tls.crt",
      REDIS_KEY_FILE: "/run/redis-certificate/tls.key",
      BRIDGE_TOKEN_FILE: `${IN}/BRIDGE_TOKEN`,
      REDIS_PASSWORD_FILE: `${IN}/REDIS_PASSWORD`,
      REDIS_SENTINEL_PASSWORD_FILE: `${IN}/REDIS_SENTINEL_PASSWORD`,
    });
    const { spec } = find(await manifests([values]), "Deployment", "authflow-bridge").spec.template;
    const { volumes, containers } = spec;
    const mounted = Object.fromEntries(containers[0].volumeMounts.map(({ name, mountPath }) => [name, mountPath]));
    assert.deepEqual(mounted, { secrets: IN, "redis-ca": "/run/redis-ca", "redis-certificate": "/run/redis-certificate" });
    assert.deepEqual(volumes.find(({ name }) => name === "redis-ca").configMap, {
      name: "redis-ca",
      items: [{ key: "own.crt", path: "ca.crt" }],
    });
    assert.equal(volumes.find(({ name }) => name === "redis-certificate").secret.secretName, "redis-client");
  });

  it("is away, with all that is its own, where Redis speaks HTTP itself", async () => {
    const values = merge(LEAST, {
      bridge: { enabled: false },
      redis: { url: "" },
      settings: { UPSTASH_REDIS_REST_URL: "https://example.upstash.io" },
      networkPolicy: { redis: [] },
    });
    assert.equal((await data(values, "auth")).UPSTASH_REDIS_REST_URL, "https://example.upstash.io");
    const all = await manifests([values]);
    assert.equal(
      all.some(({ metadata }) => metadata.name === "authflow-bridge"),
      false,
    );
  });
});

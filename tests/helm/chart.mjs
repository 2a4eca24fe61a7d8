// The chart, rendered by Helm itself, and judged by what a cluster would do with it.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { findCommand } from "../../scripts/common/command.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Where scripts/setup --helm puts the programs and Kubernetes' schemas. */
const BUILT = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "helm");

export const CHART = join(ROOT, "deploy/helm/authflow");
/** The values that come with the chart, for people to begin with. */
export const EXAMPLE = join(ROOT, "deploy/helm/values-example.yaml");
export const SENTINEL = join(ROOT, "deploy/helm/values-sentinel.yaml");

/** The version that the schemas are of. */
const KUBERNETES = "1.37.2";

/** What each rendering is called, and lies in. */
const RELEASE = "authflow";
const NAMESPACE = "doors";

/** No more than has to be given. */
export const LEAST = {
  host: "app.example.com",
  routes: [{ id: "app", path: "/*", upstream: "http://app.apps.svc:8080" }],
  image: { registry: "registry.example.com/authflow" },
  settings: { SUPABASE_URL: "https://example.supabase.co", CLIENT_IP_HEADER: "X-Real-IP" },
  existingSecret: "secrets",
  redis: { url: "redis://redis.data.svc:6379" },
  networkPolicy: {
    ingressFrom: [{ namespaceSelector: { matchLabels: { name: "edge" } } }],
    origins: [],
    redis: [{ to: [{ ipBlock: { cidr: "10.0.3.7/32" } }], ports: [{ port: 6379 }] }],
  },
};

/** Whatever can be turned off is. */
const ALL_OFF = merge(LEAST, {
  settings: { UPSTASH_REDIS_REST_URL: "https://example.upstash.io" },
  verify: { autoscaling: { enabled: false } },
  auth: { autoscaling: { enabled: false } },
  bridge: { enabled: false, autoscaling: { enabled: false } },
  redis: { url: "" },
  serviceAccount: { create: false, name: "somebody-elses" },
  networkPolicy: { enabled: false, ingressFrom: [], redis: [] },
  spread: { "topology.kubernetes.io/zone": null, "kubernetes.io/hostname": null },
});

const SCHEDULING = {
  podLabels: { team: "door" },
  podAnnotations: { "example.com/cost": "door" },
  nodeSelector: { "kubernetes.io/arch": "amd64" },
  tolerations: [{ key: "dedicated", operator: "Equal", value: "edge", effect: "NoSchedule" }],
  affinity: {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 1, preference: { matchExpressions: [{ key: "disk", operator: "In", values: ["ssd"] }] } },
      ],
    },
  },
  priorityClassName: "edge",
};

/** Whatever can be turned on is, beside the example. */
export const ALL_ON = {
  image: {
    pullPolicy: "Always",
    worker: { digest: `sha256:${"0a".repeat(32)}` },
    bridge: { tag: "2.3.4" },
  },
  settings: { OTLP_URL: "https://spans.example.com" },
  verify: { ...SCHEDULING, secrets: { SUPABASE_SERVICE_ROLE_KEY: { name: "for-verify", key: "service.key" } } },
  auth: { ...SCHEDULING, settings: { NEW_DEVICE_HOOK_URL: "https://hook.example.com", LOG_LEVEL: "debug" } },
  bridge: SCHEDULING,
  secrets: { OTLP_HEADERS: { name: "collector", key: "headers" }, NEW_DEVICE_HOOK_SECRET: {} },
  serviceAccount: { annotations: { "example.com/owner": "door" } },
  fullnameOverride: "door",
  ingress: { annotations: { "cert-manager.io/cluster-issuer": "public" } },
  httpRoute: {
    enabled: true,
    parentRefs: [{ name: "public", namespace: "gateways", sectionName: "https" }],
    annotations: { "example.com/owner": "door" },
  },
  networkPolicy: {
    supabase: [{ to: [{ namespaceSelector: { matchLabels: { name: "supabase" } } }], ports: [{ port: 8000 }] }],
    collector: [{ to: [{ namespaceSelector: { matchLabels: { name: "spans" } } }], ports: [{ port: 4318 }] }],
  },
  monitoring: { serviceMonitor: { tlsConfig: { ca: { configMap: { name: "ca", key: "ca.crt" } } } } },
};

/** Each way to use the chart that is tried whole: what is called what, and the values it is made of, in their order. */
export const RENDERINGS = {
  least: [LEAST],
  "all off": [ALL_OFF],
  example: [EXAMPLE],
  sentinel: [EXAMPLE, SENTINEL],
  "all on": [EXAMPLE, ALL_ON],
};

/** `changes` over `values`: objects field by field, everything else whole. */
export function merge(values, changes) {
  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const merged = { ...values };
  for (const [name, value] of Object.entries(changes)) {
    merged[name] = isObject(value) && isObject(values[name]) ? merge(values[name], value) : value;
  }
  return merged;
}

/** A program of `BUILT`, or else the system's. */
function program(name) {
  const path = [join(BUILT, "bin", name), name].map(findCommand).find(Boolean);
  if (!path) throw new Error(`${name} is missing: run scripts/setup --helm`);
  return path;
}

/** Runs a program with `input`; `{status, stdout, stderr}`. */
function run(name, args, input = "") {
  return new Promise((resolve, reject) => {
    // Nobody's own Helm has a say in it.
    const env = { PATH: process.env.PATH, HOME: "/nonexistent", HELM_NO_PLUGINS: "1" };
    const child = spawn(program(name), args, { env, stdio: "pipe" });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, stdout, stderr }));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/** What Helm is told of `values`, each an object or the path of a file; those that are objects are read from stdin. */
function given(values) {
  const objects = values.filter((value) => typeof value === "object");
  if (objects.length > 1) throw new Error("one object at the most");
  const args = values.flatMap((value) => ["--values", typeof value === "string" ? value : "-"]);
  return { args, input: objects.length ? JSON.stringify(objects[0]) : "" };
}

/** `helm lint --strict`, as `{status, stdout, stderr}`. */
export function lint(values) {
  const { args, input } = given(values);
  return run("helm", ["lint", "--strict", "--kube-version", KUBERNETES, CHART, ...args], input);
}

/** `helm template`, with `extra` arguments, as `{status, stdout, stderr}`. */
export function template(values, extra = []) {
  const { args, input } = given(values);
  const told = ["--namespace", NAMESPACE, "--kube-version", KUBERNETES];
  return run("helm", ["template", RELEASE, CHART, ...told, ...args, ...extra], input);
}

/** The manifests, in YAML. */
export async function render(values, extra) {
  const { status, stdout, stderr } = await template(values, extra);
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

const judged = new Map();

/** The manifests as objects; throws what a cluster would have against them. The same text is judged once. */
export async function manifests(values, extra) {
  const yaml = await render(values, extra);
  const key = createHash("sha256").update(yaml).digest("hex");
  if (!judged.has(key)) judged.set(key, judge(yaml));
  return judged.get(key);
}

/** What tests/helm/tools/manifests says of manifests in YAML. */
export async function judge(yaml) {
  const { status, stdout, stderr } = await run("manifests", [], yaml);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** What kubeconform says of manifests in YAML, by Kubernetes' own schemas: `{status, stdout, stderr}`. */
export function conform(yaml) {
  const schemas = join(BUILT, "schemas", "{{ .ResourceKind }}{{ .KindSuffix }}.json");
  return run("kubeconform", ["-strict", "-summary", "-schema-location", schemas, "-output", "json", "-"], yaml);
}

/** The one manifest of `kind` that is called `name`. */
export function find(all, kind, name) {
  const found = all.filter((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (found.length !== 1) throw new Error(`there are ${found.length} of ${kind}/${name}`);
  return found[0];
}

/** What has Pods: `[{manifest, name, spec, labels}]`. */
export function pods(all) {
  return all.flatMap((manifest) => {
    if (manifest.kind === "Pod")
      return [{ manifest, name: manifest.metadata.name, ...manifest, labels: manifest.metadata.labels }];
    if (manifest.kind !== "Deployment") return [];
    const { spec, metadata } = manifest.spec.template;
    return [{ manifest, name: manifest.metadata.name, spec, labels: metadata.labels }];
  });
}

// What Cloudflare takes as a version of a worker, and what it refuses.

import { transform } from "esbuild";

/** A refusal, with Cloudflare's status and code. */
export class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

const METADATA = [
  "main_module",
  "bindings",
  "compatibility_date",
  "compatibility_flags",
  "keep_bindings",
  "annotations",
  "migrations",
  "placement",
  "tail_consumers",
  "limits",
  "usage_model",
  "logpush",
  "observability",
  "body_part",
  "capnp_schema",
  "package_dependencies",
  "cache_options",
];
const MODULE_TYPES = { "application/javascript+module": "esm", "application/wasm": "wasm" };
const LONGEST_TEXT = 5120;

const invalid = (message) => new Refusal(400, 10021, message);

/** A form as wrangler sends it: the version's modules by name, and its metadata. `world` is what bindings may lead to. */
export async function readUpload(request, body, world) {
  const type = request.headers["content-type"] ?? "";
  if (!type.startsWith("multipart/form-data"))
    throw new Refusal(415, 10023, `Content-Type must be multipart/form-data, not ${type}`);
  const form = await new Response(body, { headers: { "content-type": type } }).formData();
  const metadata = await metadataOf(form);
  const modules = {};
  for (const [name, file] of form) {
    if (name === "metadata") continue;
    if (!(file instanceof File)) throw invalid(`the part ${name} is no file`);
    if (file.name !== name) throw invalid(`the part ${name} has the file name ${file.name}`);
    if (!MODULE_TYPES[file.type]) throw invalid(`the module ${name} has the content type ${file.type}`);
    modules[name] = { type: MODULE_TYPES[file.type], bytes: Buffer.from(await file.arrayBuffer()) };
  }
  await checkModules(modules, metadata.main_module);
  const { bindings = [], compatibility_date: date } = metadata;
  if (date !== undefined && !(/^\d{4}-\d\d-\d\d$/.test(date) && Date.parse(date) <= Date.now()))
    throw invalid(`the compatibility date ${date}`);
  checkBindings(bindings, world);
  return { modules, metadata: { ...metadata, bindings } };
}

async function metadataOf(form) {
  const [part] = form.getAll("metadata");
  if (part === undefined) throw invalid("there is no part metadata");
  const metadata = JSON.parse(typeof part === "string" ? part : await part.text());
  const unknown = Object.keys(metadata).filter((name) => !METADATA.includes(name));
  if (unknown.length > 0) throw invalid(`the metadata has ${unknown}`);
  for (const name of ["workers/tag", "workers/message"]) {
    const text = metadata.annotations?.[name];
    if (text !== undefined && Buffer.byteLength(text) > 100) throw invalid(`${name} is longer than 100 bytes`);
  }
  return metadata;
}

async function checkModules(modules, main) {
  if (modules[main]?.type !== "esm") throw invalid(`the main module ${main} is no module of JavaScript`);
  for (const [name, { type, bytes }] of Object.entries(modules)) {
    if (type === "wasm") {
      if (!WebAssembly.validate(bytes)) throw invalid(`${name} is no WebAssembly`);
      continue;
    }
    const text = bytes.toString("utf8");
    await transform(text, { loader: "js" }).catch((error) => {
      throw invalid(`${name}: ${error.message}`);
    });
    for (const [, imported] of text.matchAll(/\bfrom\s*"([^"]+)"|\bimport\s*"([^"]+)"/g)) {
      const file = imported?.replace(/^\.\//, "");
      if (imported && !imported.startsWith("cloudflare:") && !modules[file])
        throw invalid(`${name} imports ${imported}, which was not uploaded`);
    }
  }
}

/** What each kind of binding must have beside its name, and whether that can be. */
const KINDS = {
  plain_text: { fields: ["text"], check: ({ text }) => typeof text === "string" && Buffer.byteLength(text) <= LONGEST_TEXT },
  secret_text: { fields: ["text"], check: ({ text }) => typeof text === "string" && Buffer.byteLength(text) <= LONGEST_TEXT },
  json: { fields: ["json"], check: ({ json }) => json !== undefined },
  version_metadata: { fields: [], check: () => true },
  inherit: { fields: [], check: ({ name }, { previous }) => previous.some((binding) => binding.name === name) },
  service: { fields: ["service", "environment", "entrypoint"], check: ({ service }, { scripts }) => scripts.has(service) },
  ratelimit: {
    fields: ["namespace_id", "simple"],
    check: ({ namespace_id: id, simple }) => /^[1-9]\d*$/.test(id) && simple?.limit > 0 && [10, 60].includes(simple?.period),
  },
  analytics_engine: { fields: ["dataset"], check: ({ dataset }) => /^\w+$/.test(dataset) },
};

export function checkBindings(bindings, world) {
  const names = new Set();
  for (const binding of bindings) {
    const { name, type } = binding;
    const kind = KINDS[type];
    if (!kind) throw invalid(`binding ${name} is of the kind ${type}`);
    if (!/^[A-Za-z_]\w*$/.test(name) || names.has(name)) throw invalid(`binding ${name} has no name of its own`);
    names.add(name);
    const unknown = Object.keys(binding).filter((field) => !["name", "type", ...kind.fields].includes(field));
    if (unknown.length > 0) throw invalid(`binding ${name} has ${unknown}`);
    if (type === "service" && !world.scripts.has(binding.service)) {
      throw new Refusal(
        400,
        10143,
        `Could not resolve service binding '${name}'. Target script '${binding.service}' not found.`,
      );
    }
    if (!kind.check(binding, world)) throw invalid(`binding ${name} of the kind ${type} is not as it must be`);
  }
}

// A worker on plain `workerd serve`: a folder with its modules and a configuration, and nothing in between.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The runtime that miniflare brings. */
export const WORKERD = createRequire(import.meta.resolve("miniflare"))("workerd").default;

/** A string of the configuration's language; JSON's differs from it in `\u` alone. */
function text(value) {
  return JSON.stringify(value).replace(/[^ -~]|\\u[0-9a-f]{4}/g, (found) => {
    const character = found.startsWith("\\u") ? String.fromCharCode(Number.parseInt(found.slice(2), 16)) : found;
    return [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  });
}

/** So small that V8 collects before long. By itself it waits the longer the more memory a machine has. */
const BOUNDED = ["--max-heap-size=32"];

/**
 * Writes `modules` (contents by name, the main one first) and the configuration into `folder`; gives the command that
 * serves them on `port`, on a small heap where it `isBounded`.
 */
export function workerdCommand({ folder, modules, vars, port, isBounded = false }) {
  mkdirSync(folder, { recursive: true });
  for (const [name, contents] of Object.entries(modules)) writeFileSync(`${folder}/${name}`, contents);
  const module = (name) => `(name = ${text(name)}, ${name.endsWith(".wasm") ? "wasm" : "esModule"} = embed ${text(name)})`;
  const binding = ([name, value]) => `(name = ${text(name)}, text = ${text(value)})`;
  const list = (items) => `[\n    ${items.join(",\n    ")}\n  ]`;
  const config = `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  v8Flags = ${list(isBounded ? BOUNDED.map(text) : [])},
  services = [
    (name = "gate", worker = .gate),
    (name = "internet", network = (allow = ["public", "private"]))
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "gate")]
);

const gate :Workerd.Worker = (
  compatibilityDate = ${text(compatibilityDate())},
  modules = ${list(Object.keys(modules).map(module))},
  bindings = ${list(Object.entries(vars).map(binding))}
);
`;
  writeFileSync(`${folder}/config.capnp`, config);
  return { command: WORKERD, args: ["serve", `${folder}/config.capnp`] };
}

function compatibilityDate() {
  const [, date] = /^compatibility_date = "(.+)"$/m.exec(readFileSync(`${ROOT}wrangler.toml`, "utf8"));
  return date;
}

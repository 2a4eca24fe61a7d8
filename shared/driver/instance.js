// The WebAssembly module, started with the worker's variables.

import * as glue from "./pkg/index_bg.js";
import module from "./pkg/index_bg.wasm";

/** Starts an instance; the glue then works on that one. Gives its exports. */
export function instantiate(env) {
  const { exports } = new WebAssembly.Instance(module, { "./index_bg.js": glue });
  glue.__wbg_set_wasm(exports);
  exports.__wbindgen_start?.();
  const plain = [String, Number, Boolean, Array, Object]; // other bindings than variables are of other classes
  const variables = Object.entries(env).filter(([, value]) => plain.includes(value?.constructor));
  const texts = variables.map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
  const faults = glue.configure(Date.now(), JSON.stringify(Object.fromEntries(texts)));
  for (const line of faults) console.error(line);
  return exports;
}

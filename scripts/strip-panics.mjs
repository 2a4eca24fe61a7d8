// strip-panics.mjs IN OUT: makes every way to panic of the standard library a bare trap.
//
// A panic of a worker is a trap in any case, and its message goes nowhere: the platform that it is compiled for has no
// stderr. The code that words the message is 4 KB after gzip. (`panic = "immediate-abort"` does the same, and needs a
// standard library of one's own.)

import { readFileSync, writeFileSync } from "node:fs";
import binaryen from "binaryen";

// All of these return never.
const PANICS = [
  /\bcore::panicking::/,
  /\bcore::(option|result)::(unwrap|expect)_failed/,
  /\bcore::(str|slice)::(\w+::)?(\w+_)?(error|index|mismatch)_fail(_rt)?$/,
  /\bcore::cell::panic_already/,
  /\balloc::alloc::handle_alloc_error/,
  /\balloc::raw_vec::(handle_error|capacity_overflow)/,
  /\balloc::vec::Vec<.*::assert_failed/,
  /\bstd::panicking::(begin_panic|panic_with_hook)/,
  /\bstd::thread::local::panic_access_error/,
];

/** A function's name as one writes it, without the hash of its crate. */
function plain(name) {
  const unescaped = name.replace(/\\([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return unescaped.replace(/\[[0-9a-f]{16}\]/g, "");
}

const [input, output] = process.argv.slice(2);
// The names stay: what comes after sorts by them.
binaryen.setDebugInfo(true);
const wasm = binaryen.readBinary(readFileSync(input));
let stripped = 0;
for (let index = 0; index < wasm.getNumFunctions(); index++) {
  const fn = wasm.getFunctionByIndex(index);
  const { name, body } = binaryen.getFunctionInfo(fn);
  if (body && PANICS.some((panic) => panic.test(plain(name)))) {
    binaryen.Function.setBody(fn, wasm.unreachable());
    stripped++;
  }
}
// Without names there would be none.
if (stripped < 10) throw new Error(`only ${stripped} ways to panic were found`);
writeFileSync(output, wasm.emitBinary());

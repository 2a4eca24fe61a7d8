// strip-panics.mjs IN OUT: makes every way to panic a bare trap.
//
// A panic of a worker is a trap in any case, and its message goes nowhere: the platform that it is compiled for has no
// stderr. The code that words the message, and the places in the source that it names, are 7 KB after gzip.
// (`panic = "immediate-abort"` does the same, and needs a standard library of one's own.)

import { readFileSync, writeFileSync } from "node:fs";

import binaryen from "binaryen";

import { segments } from "./wasm.mjs";

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

// The source files that panics name; nothing else has a path like these.
const SOURCE = /(\/rustc\/[0-9a-f]{40}\/|crates\/|functions\/|shared\/)[\w/.-]+?\.rs/g;

/** Bytes of a `core::panic::Location`: a file's address and length, line, column. */
const LOCATION = 16;

/** A function's name as one writes it, without the hash of its crate. */
function plain(name) {
  const unescaped = name.replace(/\\([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return unescaped.replace(/\[[0-9a-f]{16}\]/g, "");
}

/** Blanks the names of source files, and the places in them. */
function blankSources(bytes) {
  const all = segments(bytes);
  const lengths = new Map();
  for (const { address, data } of all) {
    const text = Buffer.from(data).toString("latin1");
    for (const { 0: path, index } of text.matchAll(SOURCE)) {
      lengths.set(address + index, path.length);
      data.fill(0, index, index + path.length);
    }
  }
  for (const { data } of all) {
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    for (let at = 0; at + LOCATION <= data.length; at += 4) {
      if (lengths.get(view.getUint32(at, true)) === view.getUint32(at + 4, true)) data.fill(0, at, at + LOCATION);
    }
  }
}

/** Gives each function that panics the body of a trap. */
function trap(wasm) {
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
}

const [input, output] = process.argv.slice(2);
const bytes = readFileSync(input);
blankSources(bytes);
// The names stay: what comes after sorts by them.
binaryen.setDebugInfo(true);
const wasm = binaryen.readBinary(bytes);
trap(wasm);
writeFileSync(output, wasm.emitBinary());

// Reading a wasm module as its bytes (WebAssembly 2.0, section 5).

const HEADER = 8;
const CONTINUES = 128;

export const CUSTOM = 0;
export const IMPORTS = 2;
export const CODE = 10;
export const DATA = 11;

/** Reads the bytes of a module, one thing after the other. */
export class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get isAtEnd() {
    return this.at >= this.bytes.length;
  }

  byte() {
    return this.bytes[this.at++];
  }

  /** A number in LEB128. */
  number() {
    let [value, factor, byte] = [0, 1, 0];
    do {
      byte = this.byte();
      value += (byte % CONTINUES) * factor;
      factor *= CONTINUES;
    } while (byte >= CONTINUES);
    return value;
  }

  /** So many bytes; they are the module's own, and no copy. */
  take(length) {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** As many bytes as the number before them says. */
  sized() {
    return this.take(this.number());
  }
}

/** The content of the section `id`, to be read; empty if there is none. */
export function section(bytes, id) {
  const reader = new Reader(bytes, HEADER);
  while (!reader.isAtEnd) {
    const [found, content] = [reader.byte(), reader.sized()];
    if (found === id) return new Reader(content);
  }
  return new Reader(Uint8Array.of(0));
}

/** The bodies of the functions that the module has itself. */
export function bodies(bytes) {
  const reader = section(bytes, CODE);
  return Array.from({ length: reader.number() }, () => reader.sized());
}

/** The segments of data: the address of each, and its bytes. */
export function segments(bytes) {
  const reader = section(bytes, DATA);
  return Array.from({ length: reader.number() }, () => {
    // An active segment: kind 0, `i32.const`, its address, `end`.
    if (reader.number() !== 0 || reader.byte() !== 0x41) throw new Error("a segment of a kind that Rust does not make");
    const address = reader.number();
    reader.byte();
    return { address, data: reader.sized() };
  });
}

/** A number in LEB128. */
export function leb128(value) {
  const bytes = [];
  while (value >= CONTINUES) {
    bytes.push((value % CONTINUES) + CONTINUES);
    value = Math.floor(value / CONTINUES);
  }
  return Buffer.from([...bytes, value]);
}

// The device of a request, as a keyed hash over an encoding that has one reading.

import { base64url, hmac, keysOf } from "./keys.mjs";

const encoder = new TextEncoder();

/** The fingerprint of the device that sent `headers`. */
export async function fingerprint(headers, env) {
  const buffer = new Bytes();
  buffer.text("authflow-fingerprint-1");
  buffer.text("ip").value(network(headers.get("cf-connecting-ip")));
  buffer.text("user_agent").value(headers.get("user-agent"));
  buffer.text("language").value(headers.get("accept-language"));
  buffer.text("client_hints").value(headers.get("sec-ch-ua-platform")).value(headers.get("sec-ch-ua-mobile"));
  const { fingerprint } = await keysOf(env);
  return base64url(await hmac(fingerprint, buffer.bytes()));
}

/** What stands for one subscriber: an IPv4 address, or the first half of an IPv6 one. */
function network(ip) {
  if (!ip?.includes(":")) return ip;
  const [head, tail] = ip.split("::");
  const groups = head.split(":").filter(Boolean);
  const rest = tail?.split(":").filter(Boolean) ?? [];
  while (groups.length + rest.length < 8) groups.push("0");
  const half = [...groups, ...rest].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${half.join(":")}::/64`;
}

/** Texts one behind the other: those that come from outside with their presence and length before them. */
class Bytes {
  #parts = [];

  text(text) {
    this.#parts.push(encoder.encode(text));
    return this;
  }

  value(value) {
    if (value === null || value === undefined) {
      this.#parts.push(new Uint8Array([0]));
      return this;
    }
    const bytes = encoder.encode(value);
    const head = new DataView(new ArrayBuffer(9));
    head.setUint8(0, 1);
    head.setBigUint64(1, BigInt(bytes.byteLength));
    this.#parts.push(new Uint8Array(head.buffer), bytes);
    return this;
  }

  bytes() {
    const all = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.byteLength, 0));
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.byteLength;
    }
    return all;
  }
}

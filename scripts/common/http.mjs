// Calls of others over HTTP, who may be away or answer anything.

import { json } from "./json.mjs";

const TIMEOUT_MS = 10_000;

/**
 * Calls `url` once: `status` and `text`, and `json` where it is some. `status` is undefined where nobody answers, and `why`
 * says it.
 */
export async function call(url, { method = "GET", headers = {}, body } = {}) {
  try {
    const response = await fetch(url, { method, headers, body, redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    return { status: response.status, text, json: json(text) };
  } catch (error) {
    return { why: reasonOf(error) };
  }
}

/** A header that cannot be sent is repeated by the error, and may be a key. */
function reasonOf({ name, cause, message }) {
  if (name === "TypeError" && !cause) return "the key holds what no header may";
  return cause?.code ?? cause?.message ?? message;
}

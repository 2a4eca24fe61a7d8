// Asks others over HTTP, who may be away or answer anything.

import { json } from "./json.mjs";

const TIMEOUT_MS = 10_000;

/**
 * Asks `url` once: `status` and `text`, and `json` where it is some. `status` is undefined where nobody answers, and `why`
 * says it.
 */
export async function ask(url, { method = "GET", headers = {}, body } = {}) {
  try {
    const response = await fetch(url, { method, headers, body, redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    return { status: response.status, text, json: json(text) };
  } catch (error) {
    return { why: error.cause?.code ?? error.cause?.message ?? error.message };
  }
}

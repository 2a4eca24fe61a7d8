// The companions in front of a Redis of their own, for the tests of one file.

import { after } from "node:test";

import { startLocal } from "../support/local.mjs";
import { startRedis } from "../support/redis.mjs";

export const TOKEN = "local";

/** Starts both; they end with the file's last test. */
export async function startCompanions() {
  const redis = await startRedis();
  after(() => redis.stop());
  const local = await startLocal({ redisUrl: redis.url });
  after(() => local.stop());
  return { redis, local, send: (...args) => send(local.bridge, ...args) };
}

/** One request to the bridge with its token: the status, the headers and the JSON, or `undefined` for an empty body. */
async function send(bridge, method, path, body, headers = {}) {
  const response = await fetch(bridge + path, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, ...headers },
    body: body === undefined || typeof body === "string" || ArrayBuffer.isView(body) ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parse(text) };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Resolves once `condition()` is truthy, with its value. */
export async function until(condition) {
  for (;;) {
    const value = await condition();
    if (value) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

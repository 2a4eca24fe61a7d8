// A bridge in front of a Redis of its own, for the tests of one file.

import { after } from "node:test";

import { BRIDGE_TOKEN, startBridge } from "../support/bridge.mjs";
import { startLocal } from "../support/local.mjs";
import { startRedis } from "../support/redis.mjs";

/** Whether the protocol's tests are about the bridge for production: they run once for each (production.test.mjs). */
const isProduction = process.env.AUTHFLOW_BRIDGE_UNDER_TEST === "production";

export const TOKEN = isProduction ? BRIDGE_TOKEN : "local";

/** Starts both; they end with the file's last test. */
export async function startCompanions() {
  return isProduction ? startProduction() : startDevelopment();
}

async function startDevelopment() {
  const redis = await startRedis();
  after(() => redis.stop());
  const local = await startLocal({ redisUrl: redis.url });
  after(() => local.stop());
  return { redis, local, send: (...args) => send(local.bridge, ...args) };
}

/** The same with the bridge for production, which comes to Redis as an ACL user; its limits are those of the service. */
async function startProduction() {
  const redis = await startRedis({ password: "admin", args: ["--user", "authflow", "on", ">pässwörd", "~*", "+@all"] });
  after(() => redis.stop());
  const bridge = await startBridge({
    REDIS_URL: `redis://127.0.0.1:${redis.port}/0`,
    REDIS_USERNAME: "authflow",
    REDIS_PASSWORD: "pässwörd",
    BRIDGE_MAX_BODY_BYTES: "52428800",
  });
  after(() => bridge.stop());
  return { redis, local: { bridge: bridge.url }, send: (...args) => send(bridge.url, ...args) };
}

/** One request to the bridge with its token: the status, the headers and the JSON, or `undefined` for an empty body. */
export async function send(bridge, method, path, body, headers = {}) {
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

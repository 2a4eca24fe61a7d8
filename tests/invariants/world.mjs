// What every test of an invariant needs: a stack with routes of its own, requests byte for byte, and the origin's word.

import assert from "node:assert/strict";

import { freePort } from "../../scripts/common/ports.mjs";
import { startStack } from "../support/stack.mjs";
import { exchange } from "../support/wire.mjs";

/**
 * A stack of `startStack`, and what asks it. `routes(upstream)` are routes instead of the usual ones.
 *
 * ```js
 * const world = await startWorld();
 * const { status } = await world.get("/app/x", "Accept: text/html");
 * ```
 */
export async function startWorld({ routes, ports = {}, vars = {}, ...options } = {}) {
  const origin = ports.origin ?? (await freePort());
  const verify = routes ? { ROUTES: JSON.stringify(routes(`http://127.0.0.1:${origin}`)), ...vars.verify } : vars.verify;
  // What its answers take so long for, another test measures.
  const auth = { ANSWER_FLOOR_MS: "0", ...vars.auth };
  const stack = await startStack({ ...options, ports: { ...ports, origin }, vars: { ...vars, verify, auth } });
  return Object.assign(stack, new Asking(stack));
}

class Asking {
  constructor(stack) {
    this.host = new URL(stack.gateway).host;

    /** A request to the gateway in these lines; those of a device like Node's own come after them. */
    this.send = (lines, body) => exchange(stack.gateway, [...lines, ...DEVICE], body);

    /** A GET of `target`, exactly as it is written. */
    this.get = (target, ...headers) => this.send([`GET ${target} HTTP/1.1`, `Host: ${this.host}`, ...headers]);

    /** How many requests the origin had in all. */
    this.originRequests = () => stack.companions.origin.requests();

    /** What `action` comes to; the origin must see `expected` requests of it. */
    this.seenByOrigin = async (expected, action) => {
      const before = await this.originRequests();
      const result = await action();
      assert.equal((await this.originRequests()) - before, expected, "requests that the origin saw");
      return result;
    };

    /** Asks, and asserts that the answer is a problem with this status and code and that the origin saw nothing. */
    this.refuses = async (status, code, action) => {
      const answer = await this.seenByOrigin(0, action);
      assert.equal(`${answer.status} ${problemCode(answer)}`, `${status} ${code}`, answer.body);
      return answer;
    };

    /** How many commands Redis is asked through the bridge while `action` runs. */
    this.redisCommands = async (action) => {
      const before = (await stack.companions.bridge.counters()).commands;
      await action();
      return (await stack.companions.bridge.counters()).commands - before;
    };
  }
}

/** What Node's own client says of itself, so that a session made by it is this device's. */
const DEVICE = ["User-Agent: node", "Accept-Language: *"];

/** The code of a problem, or undefined. */
export function problemCode({ body }) {
  return /"code":"([a-z_]+)"/.exec(body)?.[1];
}

/** The values of the header `name` in what the origin received or what a client was answered. */
export function values(headers, name) {
  return headers.filter(([known]) => known === name).map(([, value]) => value);
}

/** What the origin received, from the body of its answer. */
export function received({ status, body }) {
  assert.equal(status, 200, body);
  return JSON.parse(body);
}

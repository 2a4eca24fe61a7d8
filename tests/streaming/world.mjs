// A stack with a signed-in person, and an origin inside the test: it does as the test says, step by step.

import { once } from "node:events";
import { createServer, request as open } from "node:http";

import { signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";
import { exchange } from "../support/wire.mjs";

/** The time limit of the route `/short/*`. */
export const SHORT_MS = 500;

/** The longest body on the route `/limited/*`. */
export const LIMIT = 200 * 1024 * 1024;

/** How long a test waits for what must happen. */
const PATIENCE_MS = 10_000;

/** What the person's device sends with each request. */
const DEVICE = { "user-agent": "streaming", "accept-language": "en" };

/**
 * Starts a stack whose routes lead to the test's own origin, and signs a person in.
 *
 * ```js
 * const path = world.serve((request, response) => response.end("hello"));
 * const response = await world.ask(path).answer;
 * ```
 */
export async function startWorld() {
  const handlers = new Map();
  const handle = async (request, answer) => {
    try {
      await handlers.get(request.url.slice(request.url.lastIndexOf("/") + 1))(request, answer);
    } catch {
      // The other side has gone, most likely; if not, the test sees an answer that breaks off.
      request.socket.destroy();
    }
  };
  // Takes whatever bytes and however many headers the runtime sends, so that a test sees them all.
  const options = { insecureHTTPParser: true, maxHeaderSize: 1024 * 1024, requestTimeout: 0, keepAliveTimeout: 60_000 };
  const server = createServer(options, handle);
  server.on("upgrade", handle);
  server.on("connection", (socket) => socket.setNoDelay(true));
  await once(server.listen(0, "127.0.0.1"), "listening");

  const upstream = `http://127.0.0.1:${server.address().port}`;
  const routes = [
    { id: "app", path: "/app/*", upstream },
    { id: "limited", path: "/limited/*", upstream, max_body_bytes: LIMIT },
    { id: "short", path: "/short/*", upstream, timeout_ms: SHORT_MS },
  ];
  const stop = async (stack) => {
    await stack?.stop();
    server.closeAllConnections();
    server.close();
  };
  let stack;
  try {
    // Large transfers keep the machine busy; Redis may take its time then.
    const vars = { both: { REDIS_TIMEOUT_MS: "5000" }, verify: { ROUTES: JSON.stringify(routes) } };
    stack = await startStack({ vars });
    const person = await signUp(stack, { headers: DEVICE });
    return new World(stack, { ...DEVICE, cookie: person.cookie }, handlers, () => stop(stack));
  } catch (error) {
    await stop(stack);
    throw error;
  }
}

class World {
  #handlers;

  constructor(stack, headers, handlers, stop) {
    this.stack = stack;
    /** Those that make a request the person's. */
    this.headers = headers;
    this.#handlers = handlers;
    this.stop = stop;
  }

  /** Lets the origin handle requests (or upgrades) to the path that is returned, on the route `/app/*` or another. */
  serve(handler, route = "/app") {
    const name = String(this.#handlers.size);
    this.#handlers.set(name, handler);
    return `${route}/${name}`;
  }

  /** Lets the origin answer these very bytes, text as Latin-1, on a connection that ends with them. */
  serveBytes(...parts) {
    return this.serve((request) => {
      for (const part of parts) request.socket.write(part, "latin1");
      request.socket.end();
    });
  }

  /** Lets the origin tell what it received, byte for byte in Latin-1: see `told`. */
  serveEcho() {
    return this.serve(async (request, response) => {
      const body = (await bytesOf(request)).toString("latin1");
      const { method, rawHeaders, rawTrailers } = request;
      response.end(Buffer.from(JSON.stringify({ method, rawHeaders, rawTrailers, body }), "latin1"));
    });
  }

  /** A request of the person's: to be written to and ended unless it is a GET or HEAD. `answer` is the response's head. */
  ask(path, { method = "GET", headers = {} } = {}) {
    const request = open(this.stack.gateway + path, {
      method,
      headers: { ...this.headers, ...headers },
      agent: false,
      maxHeaderSize: 1024 * 1024,
    });
    request.setNoDelay(true);
    request.on("error", () => {});
    if (method === "GET" || method === "HEAD") request.end();
    request.answer = within(
      new Promise((resolve, reject) => {
        request.once("response", resolve);
        request.once("error", reject);
      }),
      "the head of the answer",
    );
    request.answer.catch(() => {});
    return request;
  }

  /** The lines of a request of the person's, for the wire; `own` instead of the person's headers. */
  lines(method, path, own = this.headers) {
    const headers = Object.entries(own).map(([name, value]) => `${name}: ${value}`);
    return [`${method} ${path} HTTP/1.1`, `Host: ${new URL(this.stack.gateway).host}`, ...headers];
  }

  /** Sends a request of the person's byte for byte, `headers` being further lines. */
  exchange(method, path, headers = [], body = "", own = this.headers) {
    return exchange(this.stack.gateway, [...this.lines(method, path, own), ...headers], body);
  }
}

/** `promise`, or an error that names what did not happen in time. */
export function within(promise, what, timeoutMs = PATIENCE_MS) {
  const late = Promise.withResolvers();
  const timer = setTimeout(() => late.reject(new Error(`${what} did not come within ${timeoutMs} ms`)), timeoutMs);
  return Promise.race([promise, late.promise]).finally(() => clearTimeout(timer));
}

/** What an origin of `serveEcho` received: `{ method, headers, trailers, body }`, names in lower case. */
export function told({ body }) {
  const { method, rawHeaders, rawTrailers, body: received } = JSON.parse(body);
  const pairs = (raw) => raw.flatMap((name, index) => (index % 2 ? [] : [[name.toLowerCase(), raw[index + 1]]]));
  return { method, headers: pairs(rawHeaders), trailers: pairs(rawTrailers), body: received };
}

/** The values of the header `name` among pairs. */
export function values(headers, name) {
  return headers.filter(([known]) => known === name).map(([, value]) => value);
}

/** Everything a stream holds. */
export async function bytesOf(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

/** Reads a stream piece by piece: `next()` is the next piece, or undefined at its end. */
export function reader(stream) {
  const pieces = stream[Symbol.asyncIterator]({ destroyOnReturn: false });
  return async () => (await within(pieces.next(), "the next piece")).value;
}

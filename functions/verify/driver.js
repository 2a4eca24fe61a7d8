// Does what the gateway asks, and decides nothing. The gateway (src/lib.rs) is a WebAssembly module: `start` takes a
// request's facts and `resume` the result of what was asked for; both answer with a message that says wholly what to do
// next, in lines that are read one after the other (src/wire/mod.rs has their order):
//   ask              do something, and come back with what came of it
//   respond, relay   answer, or hand the origin's answer to the client; what `then` asks goes on in the background
//   finished, lost   nothing is left to do, or can be done

import * as gateway from "./pkg/authflow_verify_bg.js";
import { admitted, answered, capped, signature, slept, within } from "./effects.js";
import { refuse, tell } from "./fallback.js";
import { instantiate } from "./instance.js";
import { append, edit, Lines } from "./lines.js";

/** What `resume` takes for a status where there is none. */
const FAILURES = { TimeoutError: -1, TooLargeError: -3 };
const FAILED = -2;
/** The instance's exports; a trap ends an instance, and the next request starts another. */
let instance;

export default {
  async fetch(request, env, context) {
    try {
      const exchange = new Exchange(request, env, (instance ??= instantiate(env)));
      const response = await exchange.run(exchange.cross(() => gateway.start(Date.now(), facts(request))));
      if (exchange.then) context.waitUntil(exchange.afterwards());
      return response;
    } catch (error) {
      return refuse(tell(error));
    }
  },
};

/** One request, on the instance on which it began. */
class Exchange {
  constructor(request, env, home) {
    this.request = request;
    this.env = env;
    this.home = home;
  }

  /** Does what the message asks until there is a response; undefined where none is left to give. */
  async run(message) {
    for (;;) {
      switch (message.next()) {
        case "ask":
          message = await this.perform(message);
          break;
        case "then":
          this.then = message.list();
          break;
        case "respond":
          return this.respond(message);
        case "relay":
          return this.relay(message);
        case "finished":
          return;
        default:
          throw new Error("the gateway lost the request");
      }
    }
  }

  /** What goes on after the response. A failure here is nobody's but the log's. */
  afterwards() {
    return this.run(new Lines(this.then)).catch(tell);
  }

  /** Enters the module. A trap leaves it unusable, so whatever comes out as an exception ends the instance. */
  cross(enter) {
    if (instance !== this.home) throw new Error("the instance ended while the request waited");
    let message;
    try {
      message = new Lines(enter().split("\n"));
    } catch (error) {
      // The glue keeps views of the memory; growing it detaches them, so that they are made anew.
      instance.memory.grow(0);
      instance = undefined;
      throw error;
    }
    for (const line of message.list()) console.log(line);
    return message;
  }

  async perform(ask) {
    const [id, ms] = [ask.number(), ask.number()];
    const failed = (error) => [FAILURES[error?.name] ?? FAILED, ""];
    const [status, text] = await this.begin(ask, ms).catch(failed);
    return this.cross(() => gateway.resume(Date.now(), id, status, text));
  }

  begin(ask, ms) {
    switch (ask.next()) {
      case "call":
        return answered(ask, ms);
      case "forward":
        return this.forward(ask, ms);
      case "sign":
        return within(ms, signature(ask));
      case "admit":
        return within(ms, admitted(this.env, ask));
      case "sleep":
        return slept(ms);
      default:
        throw new Error("the gateway asks for what nobody can do");
    }
  }

  /** The request itself, to the origin; its time is over when no head has come. */
  async forward(ask, ms) {
    const [url, cache, hasBody, limit, report] = [ask.next(), ask.next(), ask.number(), ask.next(), ask.list()];
    const { method } = this.request;
    const headers = new Headers(this.request.headers);
    edit(headers, ask);
    const init = { method, headers, redirect: "manual", cache: cache || undefined };
    if (hasBody) init.body = this.request.body;
    const sent = limit ? capped(url, init, Number(limit)) : fetch(url, init);
    this.origin = await within(ms, sent);
    return [this.origin.status, report.map((name) => this.origin.headers.get(name) ?? "").join("\n")];
  }

  respond(message) {
    this.origin?.body?.cancel();
    const [status, headers] = [message.number(), new Headers()];
    append(headers, message);
    return new Response(message.rest() || null, { status, headers });
  }

  relay(message) {
    const cookie = message.next();
    const response = new Response(this.origin.body, this.origin);
    edit(response.headers, message);
    append(response.headers, message);
    if (cookie) {
      response.headers.delete("set-cookie");
      const kept = this.origin.headers.getSetCookie().filter((value) => !value.includes(cookie));
      for (const value of kept) response.headers.append("set-cookie", value);
    }
    return response;
  }
}

/** All that the gateway needs to know of a request: see src/facts.rs. */
function facts({ method, url, body, headers }) {
  let text = `${method}\n${url}\n${body ? 1 : 0}`;
  headers.forEach((value, name) => (text += `\n${name}\n${value}`));
  return text;
}

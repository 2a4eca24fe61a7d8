// Does what a worker's module asks, and decides nothing. The module is WebAssembly: `start` takes a request's facts and
// `resume` the result of what was asked for; both answer with a message that says wholly what to do next, in lines that are
// read one after the other (shared/src/host/effects/wire.rs has their order):
//   ask              do something, and come back with what came of it
//   respond          answer; what `then` asks goes on in the background, afterwards
//   finished, lost   nothing is left to do, or can be done

import { answered, recorded, slept } from "./effects.js";
import { refuse, tell } from "./fallback.js";
import { instantiate } from "./instance.js";
import { append, Lines } from "./lines.js";
import * as glue from "./pkg/index_bg.js";

/** What `resume` takes for a status where there is none. */
const FAILURES = { TimeoutError: -1, TooLargeError: -3 };
const FAILED = -2;
/** The instance's exports; a trap ends an instance, and the next request starts another. */
let instance;

/** The worker `service`, which has an `Own` exchange for each request. */
export function worker(service, Own) {
  return {
    async fetch(request, env, context) {
      try {
        const exchange = new Own(request, env);
        const running = exchange.run(exchange.start(await exchange.facts()));
        // What was begun is not left half done because nobody waits for it.
        if (Own.goesOn) context.waitUntil(running.catch(() => {}));
        const response = await running;
        const failed = (error) => tell(service, error);
        if (exchange.afterwards) context.waitUntil(exchange.run(new Lines(exchange.afterwards)).catch(failed));
        return response;
      } catch (error) {
        return refuse(tell(service, error));
      }
    },
  };
}

/** One request, on the instance on which it began. */
export class Exchange {
  constructor(request, env) {
    this.request = request;
    this.env = env;
  }

  start(facts) {
    return this.open(() => glue.start(Date.now(), ...facts));
  }

  /** Enters the module for the first time, on the instance that there is. */
  open(enter) {
    this.home = instance ??= instantiate(this.env);
    return this.cross(enter);
  }

  /** Does what the message asks until there is a response; undefined where none is left to give. */
  async run(message) {
    for (;;) {
      const action = message.next();
      switch (action) {
        case "ask":
          message = await this.perform(message);
          break;
        case "then":
          this.afterwards = message.list();
          break;
        case "finished":
          return;
        default:
          return this.conclude(action, message);
      }
    }
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
    const [status, text] = await this.begin(ask.next(), ask, ms).catch(failed);
    return this.cross(() => glue.resume(Date.now(), id, status, text));
  }

  begin(effect, ask, ms) {
    switch (effect) {
      case "call":
        return answered(ask, ms);
      case "sleep":
        return slept(ms);
      case "record":
        return recorded(this.env, ask);
      default:
        throw new Error("the module asks for what nobody can do");
    }
  }

  conclude(action, message) {
    if (action !== "respond") throw new Error("the module lost the request");
    const [status, headers] = [message.number(), new Headers()];
    append(headers, message);
    return new Response(message.rest() || null, { status, headers });
  }
}

/** A request's facts as every module reads them: method and URL, one of its own, and the headers. */
export function facts({ method, url, headers }, own) {
  let text = `${method}\n${url}\n${own}`;
  headers.forEach((value, name) => (text += `\n${name}\n${value}`));
  return text;
}

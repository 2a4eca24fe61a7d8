// Does what the gateway asks, and decides nothing. The gateway (src/lib.rs) is a WebAssembly module: `start` takes a
// request's facts and `resume` the result of what was asked for; both answer with a message (src/wire.rs) that says
// wholly what to do next:
//   ask: { id, timeout_ms, call | forward | sign | admit | sleep }
//                                                       do it, and come back with what came of it
//   respond: { status, headers, body }                  answer; `then` goes on in the background, if it is there
//   relay: { remove, set, add, drop_cookie }            hand the origin's answer to the client; `then` likewise
//   finished, lost                                      nothing is left to do, or can be done

import * as gateway from "./pkg/authflow_verify_bg.js";
import module from "./pkg/authflow_verify_bg.wasm";
import { Deadline, admitted, answered, capped, signature } from "./effects.js";
import { refuse, tell } from "./fallback.js";

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
    this.deadline = new Deadline();
  }

  /** Does what the message asks until there is a response. */
  async run(message) {
    while (message.ask) message = await this.perform(message.ask);
    this.then = message.then;
    if (message.lost) throw new Error("the gateway lost the request");
    return message.relay ? this.relay(message.relay) : this.respond(message.respond);
  }

  /** What goes on after the response. A failure here is nobody's but the log's. */
  async afterwards() {
    try {
      for (let message = { ask: this.then }; message.ask; ) message = await this.perform(message.ask);
    } catch (error) {
      tell(error);
    }
  }

  /** Enters the module. A trap leaves it unusable, so whatever comes out as an exception ends the instance. */
  cross(enter) {
    if (instance !== this.home) throw new Error("the instance ended while the request waited");
    let message;
    try {
      message = JSON.parse(enter());
    } catch (error) {
      // The glue keeps views of the memory; growing it detaches them, so that they are made anew.
      instance.memory.grow(0);
      instance = undefined;
      throw error;
    }
    for (const line of message.log ?? []) console.log(line);
    return message;
  }

  async perform(ask) {
    let [status, text] = [0, ""];
    try {
      if (ask.sleep !== undefined) await new Promise((resolve) => setTimeout(resolve, ask.sleep));
      else [status, text] = await this.deadline.within(ask.timeout_ms, (signal, end) => this.begin(ask, signal, end));
    } catch (error) {
      status = FAILURES[error?.name] ?? FAILED;
    }
    return this.cross(() => gateway.resume(Date.now(), ask.id, status, text));
  }

  begin({ call, forward, sign, admit }, signal, end) {
    if (call) return answered(call, signal);
    if (forward) return this.forward(forward, signal, end);
    if (sign) return signature(sign);
    return admitted(this.env[admit.limiter], admit);
  }

  /** The request itself, to the origin; its time is over when no head has come. */
  async forward({ url, remove, set, cache, has_body, report, body_limit }, signal, end) {
    const { method } = this.request;
    const headers = new Headers(this.request.headers);
    edit(headers, remove, set);
    const given = has_body ? this.request.body : undefined;
    const body = body_limit === undefined ? given : capped(given, body_limit, end);
    this.origin = await fetch(url, { method, headers, body, redirect: "manual", cache, signal });
    return [this.origin.status, report.map((name) => this.origin.headers.get(name) ?? "").join("\n")];
  }

  respond({ status, headers, body }) {
    this.origin?.body?.cancel();
    return new Response(body || null, { status, headers });
  }

  relay({ remove, set, add, drop_cookie }) {
    const response = new Response(this.origin.body, this.origin);
    edit(response.headers, remove, set);
    for (const [name, value] of add) response.headers.append(name, value);
    if (drop_cookie) response.headers.delete("set-cookie");
    const kept = drop_cookie ? this.origin.headers.getSetCookie().filter((value) => !value.includes(drop_cookie)) : [];
    for (const value of kept) response.headers.append("set-cookie", value);
    return response;
  }
}

function edit(headers, remove, set) {
  for (const name of remove) headers.delete(name);
  for (const [name, value] of set) headers.set(name, value);
}

/** Everything the gateway needs to know of a request, as lines: see src/facts.rs. */
function facts({ method, url, body, headers }) {
  let text = `${method}\n${url}\n${body ? 1 : 0}`;
  headers.forEach((value, name) => (text += `\n${name}\n${value}`));
  return text;
}

function instantiate(env) {
  const { exports } = new WebAssembly.Instance(module, { "./authflow_verify_bg.js": gateway });
  gateway.__wbg_set_wasm(exports);
  exports.__wbindgen_start?.();
  const plain = [String, Number, Boolean, Array, Object]; // other bindings than settings are of other classes
  const settings = Object.entries(env).filter(([, value]) => plain.includes(value?.constructor));
  const texts = settings.map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
  const faults = gateway.configure(Date.now(), JSON.stringify(Object.fromEntries(texts)));
  for (const line of faults) console.error(line);
  return exports;
}

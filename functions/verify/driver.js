// What only the gateway asks of the platform, and its outcome `relay`: hand the origin's answer to the client
// (src/wire.rs). Everything else is in shared/driver/exchange.js. Nothing is decided here.

import { within } from "../../shared/driver/effects.js";
import { Exchange, facts, worker } from "../../shared/driver/exchange.js";
import { append, edit } from "../../shared/driver/lines.js";
import { admitted, capped, keep, page, recall, signature } from "./effects.js";

class Passage extends Exchange {
  /** All that the gateway needs to know of a request: see src/facts.rs. */
  facts() {
    return [facts(this.request, this.request.body ? 1 : 0)];
  }

  begin(effect, ask, ms) {
    switch (effect) {
      case "forward":
        return this.forward(ask, ms);
      case "sign":
        return within(ms, signature(ask));
      case "admit":
        return within(ms, admitted(this.env, ask));
      case "page":
        return page(this.env, ask, ms);
      case "keep":
        return within(ms, keep(ask));
      case "recall":
        return within(ms, recall(ask));
      default:
        return super.begin(effect, ask, ms);
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

  conclude(action, message) {
    if (action === "relay") return this.relay(message);
    this.origin?.body?.cancel();
    return super.conclude(action, message);
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

export default worker("verify", Passage);

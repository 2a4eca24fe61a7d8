// How a request of the auth worker is told to its module (src/edge.rs): with its body. Everything else is in
// shared/driver/exchange.js.

import { Exchange, facts, worker } from "../../shared/driver/exchange.js";
import { tell } from "../../shared/driver/fallback.js";
import { Lines } from "../../shared/driver/lines.js";
import { tick } from "./pkg/index_bg.js";

/** The longest body that is read, in bytes. */
const BODY_LIMIT = 16 * 1024;

class Visit extends Exchange {
  /** Also when the client leaves: passwords are changed and sessions ended here, and it is told who did it. */
  static goesOn = true;

  async facts() {
    const [word, text] = await content(this.request);
    return [facts(this.request, word), text];
  }
}

/** What became of the body, and its text. */
async function content({ headers, body }) {
  if (Number(headers.get("content-length")) > BODY_LIMIT) return ["too_large", ""];
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let [text, left] = ["", BODY_LIMIT];
  try {
    // What it said of its length may be untrue.
    for await (const chunk of body ?? []) {
      if ((left -= chunk.byteLength) < 0) return ["too_large", ""];
      text += decoder.decode(chunk, { stream: true });
    }
    return ["text", text + decoder.decode()];
  } catch {
    return ["unreadable", ""];
  }
}

/** What is done each minute, by the platform's clock. */
async function scheduled(event, env) {
  const visit = new Visit(undefined, env);
  try {
    await visit.run(visit.open(() => tick(Date.now())));
    if (visit.afterwards) await visit.run(new Lines(visit.afterwards));
  } catch (error) {
    tell("auth", error);
  }
}

export default { ...worker("auth", Visit), scheduled };

// The auth worker's admin API, for an admin who has a token or signs in here.

import { setTimeout } from "node:timers/promises";

import { Failure, say } from "../common/failure.mjs";
import { json } from "../common/json.mjs";
import { asked } from "../common/terminal.mjs";

/** How often a request is made that is answered by 503 or 429, and the longest time between two. */
const TRIES = 3;
const LONGEST_PAUSE_MS = 15_000;
const TIMEOUT_MS = 30_000;

/**
 * A client of the auth worker at `url`; `call` gives what it answered, undefined for 204, and null for 404. Nothing more is
 * asked of it, but to sign out, once `signal` is aborted.
 */
export class AuthWorker {
  #url;
  #token;
  #isOurs = false;
  #headers;
  #signal;

  constructor(url, { userAgent, signal }) {
    this.#url = url;
    this.#headers = userAgent ? { "user-agent": userAgent } : {};
    this.#signal = signal;
  }

  /** Goes by the token of an admin, or signs one in. */
  async enter(token) {
    if (token) {
      this.#token = token;
      return;
    }
    const email = await this.#ask("E-mail address of an admin: ");
    const password = await this.#ask("Password: ", { secret: true, exact: true });
    let answer = await this.call("POST", "signin", { email, password });
    if (answer.status === "mfa_required") answer = await this.#giveCode(answer);
    this.#token = answer.session_token;
    this.#isOurs = true;
  }

  /** Signs out again, if it was we who signed in. */
  async leave() {
    if (!this.#isOurs) return;
    try {
      await this.#insist("POST", "logout");
    } catch (error) {
      say(`The admin is still signed in from here, and can end that session at /auth/account: ${error.message}`);
    }
  }

  async #giveCode({ mfa_token, factors }) {
    const app = factors.find(({ type }) => type === "totp");
    if (!app) throw new Failure("This account has no authenticator app: sign in in another way, and set AUTHFLOW_TOKEN");
    const code = await this.#ask("Code of the authenticator app: ", { secret: true });
    return this.call("POST", "mfa/verify", { mfa_token, factor_id: app.id, code });
  }

  #ask(question, options) {
    return asked(question, { ...options, signal: this.#signal });
  }

  async call(method, path, body) {
    this.#signal.throwIfAborted();
    return this.#insist(method, path, body);
  }

  async #insist(method, path, body) {
    for (let tries = 1; ; tries += 1) {
      const response = await this.#send(method, path, body);
      const text = await response.text();
      if (response.ok) return text ? JSON.parse(text) : undefined;
      const problem = json(text);
      if (response.status === 404 && problem?.code === "not_found") return null;
      const refused = new Failure(refusal(response.status, problem));
      if (![429, 503].includes(response.status) || tries === TRIES) throw refused;
      const seconds = Number(response.headers.get("retry-after")) || 1;
      if (seconds * 1000 > LONGEST_PAUSE_MS) throw refused;
      await setTimeout(seconds * 1000);
    }
  }

  async #send(method, path, body) {
    const headers = { ...this.#headers };
    if (this.#token) headers.authorization = `Bearer ${this.#token}`;
    if (body) headers["content-type"] = "application/json";
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const init = { method, headers, body: body && JSON.stringify(body), redirect: "error", signal };
    try {
      return await fetch(`${this.#url}/api/v1/simple_auth/${path}`, init);
    } catch (error) {
      throw new Failure(`No answer from ${this.#url}: ${error.cause?.message ?? error.message}`);
    }
  }
}

function refusal(status, { code, detail } = {}) {
  return detail ? `${detail} (${status} ${code})` : `The answer was ${status}`;
}

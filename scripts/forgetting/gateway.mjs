// The admin API, for an admin who has a token or signs in here.

import { setTimeout } from "node:timers/promises";

import { ask } from "./prompt.mjs";

/** How often a request is made that is answered by 503 or 429, and the longest time between two. */
const TRIES = 3;
const LONGEST_PAUSE_MS = 15_000;
const TIMEOUT_MS = 30_000;

/** An answer that was not the one hoped for. */
export class Refused extends Error {
  constructor(status, { code, detail } = {}) {
    super(detail ? `${detail} (${status} ${code})` : `the answer was ${status}`);
    this.status = status;
    this.code = code;
  }
}

/** A client of the auth worker at `url`; `call` gives what it answered, undefined for 204, and null for 404. */
export class Gateway {
  #url;
  #token;
  #isOurs = false;
  #headers;

  constructor(url, { userAgent } = {}) {
    this.#url = url;
    this.#headers = userAgent ? { "user-agent": userAgent } : {};
  }

  /** Goes by the token of an admin, or signs one in. */
  async enter(token) {
    if (token) {
      this.#token = token;
      return;
    }
    const email = await ask("E-mail address of an admin: ");
    const password = await ask("Password: ", { secret: true });
    let answer = await this.call("POST", "signin", { email, password });
    if (answer.status === "mfa_required") answer = await this.#giveCode(answer);
    this.#token = answer.session_token;
    this.#isOurs = true;
  }

  /** Signs out again, if it was we who signed in. */
  async leave() {
    if (this.#isOurs) await this.call("POST", "logout");
  }

  async #giveCode({ mfa_token, factors }) {
    const app = factors.find(({ type }) => type === "totp");
    if (!app) throw new Error("this account has no authenticator app: sign in in another way, and set AUTHFLOW_TOKEN");
    const code = await ask("Code of the authenticator app: ", { secret: true });
    return this.call("POST", "mfa/verify", { mfa_token, factor_id: app.id, code: code.trim() });
  }

  async call(method, path, body) {
    for (let tries = 1; ; tries += 1) {
      const response = await this.#send(method, path, body);
      const text = await response.text();
      if (response.ok) return text ? JSON.parse(text) : undefined;
      const problem = readProblem(text);
      if (response.status === 404 && problem?.code === "not_found") return null;
      const refused = new Refused(response.status, problem);
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
      throw new Error(`no answer from ${this.#url}: ${error.cause?.message ?? error.message}`);
    }
  }
}

function readProblem(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

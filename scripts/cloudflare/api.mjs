// Cloudflare's API, as far as wrangler does not do it: what is deployed is read here, and traffic is moved and moved back,
// because that must be bounded in time, must not be tried again blindly, and may have to overrule a refusal.

import { setTimeout as sleep } from "node:timers/promises";

import { Failure } from "../common/failure.mjs";
import { json } from "../common/json.mjs";
import { wrangler } from "./wrangler.mjs";

const BASE = "https://api.cloudflare.com/client/v4";
const TIMEOUT_MS = 30_000;
/** What is only read is asked for so often. */
const READS = 3;
/** A page of a list, which is as long as it may be. */
const PAGE = 50;

/** There is no such worker; the second is what some endpoints say. */
const NO_WORKER = [10007, 10090];
/** A version is older than a secret: moving back to it brings the secret's old value back, too. */
export const SECRET_IS_NEWER = 10220;

/** What the API refused, or that it did not answer. */
export class ApiError extends Failure {
  constructor(message, { status, code } = {}) {
    super(message);
    this.apiStatus = status;
    this.code = code;
  }

  /** No answer, too many calls, or a fault of the API's own. */
  get isPassing() {
    return this.apiStatus === undefined || this.apiStatus === 429 || this.apiStatus > 499;
  }

  get isMissingWorker() {
    return NO_WORKER.includes(this.code);
  }
}

export class Cloudflare {
  #base;
  #headers;

  constructor({ base, headers, account }) {
    this.#base = base;
    this.#headers = headers;
    this.account = account;
  }

  /**
   * With wrangler's own credentials: `CLOUDFLARE_API_TOKEN`, or those of `wrangler login`. The account is the configured
   * one, or else the only one they reach.
   */
  static async connect(accountId) {
    const base = process.env.CLOUDFLARE_API_BASE_URL ?? BASE;
    const cloudflare = new Cloudflare({ base, headers: await credentials() });
    const id = accountId ?? process.env.CLOUDFLARE_ACCOUNT_ID;
    cloudflare.account = id ? { id, name: await cloudflare.#nameOf(id) } : await cloudflare.#onlyAccount();
    return cloudflare;
  }

  /** A token may have no right to read it, and all others that are needed. */
  async #nameOf(id) {
    try {
      return (await this.get(`/accounts/${id}`)).name;
    } catch (error) {
      if (error.apiStatus === 403) return "whose name the token may not read";
      throw error;
    }
  }

  async #onlyAccount() {
    const accounts = await this.get("/accounts");
    if (accounts.length === 1) return accounts[0];
    if (accounts.length === 0) throw new Failure("Your credentials reach no Cloudflare account; make a token for one.");
    const list = accounts.map(({ id, name }) => `  ${id}  ${name}`).join("\n");
    throw new Failure(
      `Your credentials reach several accounts; name one by CLOUDFLARE_ACCOUNT_ID, or as account_id in wrangler.toml:\n${list}`,
    );
  }

  /** The path of a worker's own endpoints. */
  script(name, rest = "") {
    return `/accounts/${this.account.id}/workers/scripts/${name}${rest}`;
  }

  /** Reads; what could be a passing trouble is tried again. */
  async get(path, { signal } = {}) {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.send("GET", path, undefined, { signal });
      } catch (error) {
        if (!error.isPassing || tries === READS) throw error;
        await sleep(200 * 2 ** tries, undefined, { signal });
      }
    }
  }

  /** Reads what may not be there: undefined if there is no such worker. */
  async find(path, options) {
    try {
      return await this.get(path, options);
    } catch (error) {
      if (error.isMissingWorker) return undefined;
      throw error;
    }
  }

  /** Reads a list to its last page; `path` has a query already. */
  async getAll(path, options) {
    const all = [];
    for (let page = 1; ; page += 1) {
      const items = await this.get(`${path}&per_page=${PAGE}&page=${page}`, options);
      all.push(...items);
      if (items.length < PAGE) return all;
    }
  }

  /** One call, once. */
  async send(method, path, body, { signal } = {}) {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const what = `${method} ${path.split("?")[0]}`;
    let response;
    let answer;
    try {
      response = await fetch(this.#base + path, {
        method,
        headers: { ...this.#headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      answer = await response.text();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw new ApiError(`Cloudflare's API did not answer ${what}: ${error.cause?.message ?? error.message}`);
    }
    const parsed = json(answer);
    if (response.ok && parsed?.success) return parsed.result;
    const [error] = parsed?.errors ?? [];
    const said = error ? `${error.message} (${error.code})` : answer.slice(0, 200);
    throw new ApiError(`Cloudflare's API refused ${what} with ${response.status}: ${said}${hint(response.status)}`, {
      status: response.status,
      code: error?.code,
    });
  }
}

async function credentials() {
  const { CLOUDFLARE_API_TOKEN: token } = process.env;
  if (token) return { authorization: `Bearer ${token}` };
  let told;
  try {
    told = JSON.parse((await wrangler(["auth", "token", "--json"])).stdout);
  } catch {
    throw new Failure(
      "No credentials for Cloudflare: run `wrangler login`, or set CLOUDFLARE_API_TOKEN; docs/DEPLOY.md says with which rights",
    );
  }
  if (told.type === "api_key") return { "x-auth-key": told.key, "x-auth-email": told.email };
  return { authorization: `Bearer ${told.token}` };
}

const hint = (status) =>
  status === 401 || status === 403 ? "\nThe token has not the right to do it; docs/DEPLOY.md lists those that are needed." : "";

// People who sign in, work and sign out, over and over, at a steady pace; and a model of what each must be answered.
//
// The model: whoever is signed in is let in, as themselves, and the application gets what was sent; whoever has signed out is
// refused; a token that was forged is refused. What is neither is a failure; a refusal that was missing is `let_in_wrongly`.

import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { Http2Client, PlainClient } from "./client.mjs";

const API = "/api/v1/simple_auth";
const JSON_TYPE = { "content-type": "application/json" };
const PASSWORD = "correct horse battery staple 1A";
/** Requests between two sign-ins. */
const [FEWEST, MOST] = [6, 14];
const FORGED_ONE_IN = 12;
const KINDS = {
  kept: (world) => new PlainClient(world.https, world.certificate, { keepAlive: true }),
  fresh: (world) => new PlainClient(world.https, world.certificate, { keepAlive: false }),
  http2: (world) => new Http2Client(world.https, world.certificate),
};

/**
 * `size` people with accounts, who send `perSecond` requests together from `start` until `stop`. A failure is
 * `{ began, ended, what }`.
 */
export async function gather(world, { size = 18, perSecond = 100 } = {}) {
  const kinds = Object.keys(KINDS);
  const people = [];
  for (let at = 0; at < size; at += 1) people.push(await Person.arrive(world, kinds[at % kinds.length]));
  const tally = { requests: 0, failures: [], let_in_wrongly: [], slowest_ms: 0 };
  let isOver = false;
  let running;
  return {
    tally,
    start() {
      const pause = (1000 * size) / perSecond;
      running = people.map((person, at) => person.live(tally, pause, (at / size) * pause, () => isOver));
    },
    /** The tally, once everybody has finished what they do. */
    async stop() {
      isOver = true;
      await Promise.all(running ?? []);
      for (const person of people) person.client.close();
      const retried = people.reduce((sum, { client }) => sum + client.retried, 0);
      return { ...tally, retried };
    },
  };
}

class Person {
  static async arrive(world, kind) {
    const person = new Person();
    person.client = KINDS[kind](world);
    person.email = `ada-${randomUUID()}@example.test`;
    await person.#must(202, "POST", `${API}/signup`, { email: person.email, password: PASSWORD });
    const { token_hash } = (await world.outside.mails()).findLast(({ to }) => to === person.email);
    const { user } = await person.#must(200, "POST", `${API}/verify-email`, { token_hash, type: "signup" });
    person.id = user.id;
    return person;
  }

  async #must(status, method, path, json) {
    const answer = await this.client.send(method, path, { headers: JSON_TYPE, body: JSON.stringify(json) });
    if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return JSON.parse(answer.text);
  }

  /** Lives until `isOver`, a request each `pause` milliseconds. */
  async live(tally, pause, first, isOver) {
    let next = Date.now() + first;
    const turn = async () => {
      await sleep(Math.max(0, next - Date.now()));
      next = Math.max(next + pause, Date.now());
    };
    while (!isOver()) {
      try {
        await this.#session(tally, turn, isOver);
      } catch (error) {
        tally.failures.push({ began: error.began, ended: Date.now(), what: error.message });
      }
    }
  }

  async #session(tally, turn, isOver) {
    const ask = async (status, method, path, { headers, body } = {}) => {
      await turn();
      const began = Date.now();
      try {
        const answer = await this.client.send(method, path, { headers: { ...JSON_TYPE, ...headers }, body });
        tally.requests += 1;
        tally.slowest_ms = Math.max(tally.slowest_ms, Date.now() - began);
        if (answer.status === status) return answer;
        if (status === 401 && answer.status < 400) tally.let_in_wrongly.push(`${method} ${path}: ${answer.status}`);
        throw new Error(`${method} ${path}: ${answer.status}, not ${status}: ${answer.text.slice(0, 300)}`);
      } catch (error) {
        throw Object.assign(error, { began });
      }
    };
    const credentials = JSON.stringify({ email: this.email, password: PASSWORD });
    const { session_token } = JSON.parse((await ask(200, "POST", `${API}/signin`, { body: credentials })).text);
    const signed = { authorization: `Bearer ${session_token}` };
    const count = FEWEST + Math.floor(Math.random() * (MOST - FEWEST));
    for (let at = 0; at < count && !isOver(); at += 1) {
      if (Math.random() < 1 / FORGED_ONE_IN) await ask(401, "GET", "/app/forged", { headers: forged(session_token) });
      else await this.#work(ask, signed);
    }
    await ask(204, "POST", `${API}/logout`, { headers: signed, body: "{}" });
    await ask(401, "GET", "/app/ended", { headers: signed });
  }

  /** Reads something, or sends something; the application must be told whose it is, and get all of it. */
  async #work(ask, headers) {
    const [method, body] = Math.random() < 0.7 ? ["GET"] : ["POST", randomBytes(600).toString("base64")];
    const echoed = JSON.parse((await ask(200, method, `/app/${randomUUID()}`, { headers, body })).text);
    const user = echoed.headers.find(([name]) => name === "x-user-id")?.[1];
    if (user !== this.id) throw new Error(`the application was told that this is ${user}, not ${this.id}`);
    if (echoed.method !== method || echoed.body !== (body ?? ""))
      throw new Error(`the application got another request than was sent`);
  }
}

/** Well made, and signed by nobody. */
function forged(token) {
  const [id] = token.split(".");
  return { authorization: `Bearer ${id}.${randomBytes(16).toString("base64url")}` };
}

// Each secret is changed while people come and go, at one worker after the other: nobody is signed out. A new value is first
// known everywhere, then used, and the old one is taken away once nothing is left that was made under it.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { createLocalJWKSet, jwtVerify } from "jose";

import { api, signIn, signUp, visit } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";
import { workerVars } from "../support/vars.mjs";

const PEOPLE = 4;
const NOWHERE = "http://localhost";

let stack;
/** The house by each of its gateways. */
let doors;
/** Each worker that has secrets. */
let workers;
before(async () => {
  stack = await startStack({ vars: { auth: { ANSWER_FLOOR_MS: "0" } } });
  const [second, secondAuth] = await Promise.all([stack.startAnother("verify"), stack.startAnother("auth")]);
  doors = [stack, { ...stack, gateway: second.url, auth: secondAuth.url }];
  workers = [stack.workers.verify, second, stack.workers.auth, secondAuth];
});
after(() => stack?.stop());

const { verify, auth } = workerVars({ gateway: NOWHERE, auth: NOWHERE, bridge: NOWHERE, supabase: NOWHERE, origin: NOWHERE });
const secret = () => randomBytes(36).toString("base64");

/** Each secret: what it is, what another one is, and how several are written. */
const SECRETS = {
  SESSION_SECRET: { old: verify.SESSION_SECRET, make: secret },
  FINGERPRINT_SECRET: { old: verify.FINGERPRINT_SECRET, make: secret },
  FERNET_KEYS: { old: auth.FERNET_KEYS, make: () => `${randomBytes(32).toString("base64url")}=`, of: "auth" },
  ASSERTION_KEYS: { old: JSON.parse(verify.ASSERTION_KEYS)[0], make: assertionKey, list: JSON.stringify, of: "verify" },
};

function assertionKey() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { kid: randomUUID(), ...privateKey.export({ format: "jwk" }) };
}

describe("nobody is signed out while", () => {
  for (const [name, { old, make, list = (values) => values.join(","), of }] of Object.entries(SECRETS)) {
    it(`${name} is changed`, { timeout: 120_000 }, async () => {
      const own = workers.filter(({ service }) => !of || service === of);
      /** Gives all workers other values, one after the other. */
      const roll = async (...values) => {
        for (const worker of own) await worker.setVars({ [name]: list(values) });
      };
      const before = await people();
      const crowd = new Crowd(before);
      const next = make();
      try {
        await roll(old, next);
        const published = await jwks();
        await roll(next, old);
        await crowd.isWell();
        await newcomersAreKnown(before, published);
        // What time does: who came before comes anew.
        const later = await people();
        crowd.replace(later);
        await roll(next);
        await crowd.isWell();
        await newcomersAreKnown(later, await jwks());
      } finally {
        await crowd.leave();
      }
      assert.ok(crowd.visits > 20, `${crowd.visits} visits`);
    });
  }

  it("and a value that was taken away opens nothing", async () => {
    const ada = await signUp(stack);
    await stack.workers.verify.setVars({ SESSION_SECRET: secret() });
    assert.equal((await visit(stack, ada)).status, 401);
  });
});

const people = () => Promise.all(Array.from({ length: PEOPLE }, (_, at) => signUp(doors[at % 2])));
const jwks = async () => (await fetch(`${stack.gateway}/.well-known/authflow/jwks.json`)).json();

/**
 * Each of `people` is who they were: at Supabase, by the tokens that are kept for them; to an application that `published`
 * its keys before; and on a device that is no new one when they sign in again.
 */
async function newcomersAreKnown(people, published) {
  for (const [at, person] of people.entries()) {
    const door = doors[at % 2];
    const renamed = await api(
      door,
      "me",
      { data: { name: "Augusta" } },
      { method: "PATCH", headers: { cookie: person.cookie } },
    );
    assert.equal(renamed.status, 200, await renamed.text());
    const { headers } = await (await visit(door, person)).json();
    const assertion = headers.find(([name]) => name === "x-authflow-assertion")[1];
    const { payload } = await jwtVerify(assertion, createLocalJWKSet(published));
    assert.equal(payload.sub, person.id);
    const { sessionId } = await signIn(door, person);
    const name = createHash("sha256").update(sessionId).digest("hex").slice(0, 8);
    const told = await stack.logs.find(({ event, session }) => event === "sign_in" && session === name);
    assert.equal(told.new_device, false);
  }
}

/** People who visit the doors in turn, all the time. A worker that is just being restarted does not answer; that is no sign-out. */
class Crowd {
  #people;
  #isOver = false;
  #faults = [];
  #done;
  visits = 0;

  constructor(people) {
    this.#people = people;
    this.#done = Promise.all(people.map((_, at) => this.#go(at)));
  }

  async #go(at) {
    for (let turn = at; !this.#isOver; turn += 1) {
      const [person, door] = [this.#people[at], doors[turn % 2]];
      const ask =
        turn % 3 ? visit(door, person) : api(door, "me", undefined, { method: "GET", headers: { cookie: person.cookie } });
      const response = await ask.catch(() => undefined);
      if (!response) continue;
      const text = await response.text().catch(() => undefined);
      this.visits += 1;
      if (response.status !== 200) this.#faults.push(`${response.url}: ${response.status} ${text}`);
    }
  }

  /** Others come in their place. */
  replace(people) {
    this.#people = people;
  }

  /** Every one of them has come again, and nobody was refused. */
  async isWell() {
    const enough = this.visits + 4 * PEOPLE;
    while (this.visits < enough && this.#faults.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(this.#faults, []);
  }

  async leave() {
    this.#isOver = true;
    await this.#done;
    assert.deepEqual(this.#faults, []);
  }
}

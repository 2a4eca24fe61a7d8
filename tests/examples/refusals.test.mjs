// Every origin of examples/: whoever the gateway signs for is let in, and nobody else.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { freePort } from "../../scripts/common/ports.mjs";
import { signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";
import { claims, fromNow, makeKey, sign, signedWithPublicKey, startIssuer, tampered, unsigned } from "./issuer.mjs";
import { ORIGINS, startOrigin } from "./origins.mjs";

const NAMES = Object.keys(ORIGINS);
const HEADER = "x-authflow-assertion";

/** Refused, and told why in one line. */
function refused({ status, text }, what) {
  assert.equal(status, 401, `${what}: ${text}`);
  assert.match(text, /^.*no valid assertion: [^\n]{3,}\n?$/, what);
}

function letIn({ status, text }, { id, email }) {
  assert.equal(status, 200, text);
  assert.deepEqual(JSON.parse(text), { user: id, email, role: "authenticated" });
}

/** Asks again until the answer is 200: an origin fetches keys no oftener than every five seconds. */
async function untilLetIn(ask, { timeoutMs = 15_000 } = {}) {
  const late = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer.status === 200 || Date.now() > late) return answer;
    await delay(100);
  }
}

describe("behind the gateway", () => {
  let stack;
  let person;
  let echo;
  const origins = {};

  before(async () => {
    const ports = { origin: await freePort() };
    echo = `http://127.0.0.1:${ports.origin}`;
    const routes = [{ id: "echo", path: "/echo/*", upstream: echo }];
    for (const name of NAMES) {
      ports[name] = await freePort();
      const upstream = `http://127.0.0.1:${ports[name]}`;
      routes.push({ id: name, path: `/${name}/*`, upstream, strip_prefix: true });
      routes.push({ id: `${name}-public`, path: `/${name}-public/*`, upstream, strip_prefix: true, access: "public" });
    }
    stack = await startStack({ ports: { origin: ports.origin }, vars: { verify: { ROUTES: JSON.stringify(routes) } } });
    person = await signUp(stack);
    for (const name of NAMES) {
      origins[name] = await startOrigin(name, { gateway: stack.gateway, port: ports[name] });
    }
  });
  after(async () => {
    for (const origin of Object.values(origins)) await origin.stop();
    await stack?.stop();
  });

  async function visit(path, headers = { cookie: person.cookie }) {
    const response = await fetch(stack.gateway + path, { headers });
    return { status: response.status, text: await response.text() };
  }

  /** The assertion that the gateway gave to the demo origin. */
  async function ofAnotherOrigin() {
    const { text } = await visit("/echo/x");
    const [[, assertion]] = JSON.parse(text).headers.filter(([name]) => name === HEADER);
    return assertion;
  }

  for (const name of NAMES) {
    describe(name, () => {
      const { me = "/" } = ORIGINS[name];

      it("a person who is signed in reaches the origin, which knows who it is", async () => {
        letIn(await visit(`/${name}${me}`), person);
      });

      it("whoever goes past the gateway does not, with no assertion or with names alone", async () => {
        refused(await origins[name].ask(undefined), "no assertion");
        const headers = { "x-user-id": person.id, "x-user-email": person.email, "x-user-role": "authenticated" };
        assert.equal((await fetch(origins[name].url + me, { headers })).status, 401);
      });

      it("nor does a genuine assertion of another origin", async () => {
        refused(await origins[name].ask(await ofAnotherOrigin()), "another audience");
      });

      it("nor does anybody on a public route, where the gateway says nothing of who asks", async () => {
        refused(await visit(`/${name}-public${me}`), "public");
        const headers = { cookie: person.cookie, [HEADER]: await ofAnotherOrigin() };
        refused(await visit(`/${name}-public${me}`, headers), "public, with an assertion of the client's");
      });

      it("takes a genuine assertion that was meant for it, and none of its parts changed", async () => {
        const twin = await startOrigin(name, { gateway: stack.gateway, audience: echo });
        try {
          const assertion = await ofAnotherOrigin();
          letIn(await twin.ask(assertion), person);
          refused(await twin.ask(tampered(assertion, { sub: "root" })), "tampered");
        } finally {
          await twin.stop();
        }
      });
    });
  }

  it("a new key is accepted, and no origin is started again", async () => {
    const { jwk } = await makeKey("new");
    await stack.workers.verify.setVars({ ASSERTION_KEYS: JSON.stringify([jwk]) });
    for (const name of NAMES) letIn(await untilLetIn(() => visit(`/${name}${ORIGINS[name].me ?? "/"}`)), person);
  });
});

describe("alone", { concurrency: true }, () => {
  for (const name of NAMES) {
    // One after the other: some change what the issuer publishes.
    describe(name, { concurrency: false }, () => {
      const { file } = ORIGINS[name];
      let issuer;
      let origin;
      let key;
      let longer;

      before(async () => {
        [key, longer] = [await makeKey(), await makeKey("longer", "ES384")];
        issuer = await startIssuer({ keys: [key, longer] });
        origin = await startOrigin(name, { gateway: issuer.url });
      });
      after(async () => {
        await origin?.stop();
        issuer?.stop();
      });

      const good = (changes) => claims(issuer, origin.url, changes);
      const ada = { id: "ada", email: "ada@example.test" };

      it("lets in whom a good assertion names, whatever the query, and clocks may differ a little", async () => {
        letIn(await origin.ask(await sign(good(), key)), ada);
        letIn(await origin.ask(await sign(good(), key), `${origin.me}?c=d`), ada);
        letIn(await origin.ask(await sign(good({ iat: fromNow(3), exp: fromNow(63) }), key)), ada);
        letIn(await origin.ask(await sign(good({ iat: fromNow(-61), exp: fromNow(-1) }), key)), ada);
      });

      it("refuses an assertion of another time, place or issuer, or that does not say", async () => {
        for (const changes of [
          { iat: fromNow(-70), exp: fromNow(-10) },
          { exp: undefined },
          { exp: "never" },
          { aud: "http://127.0.0.1:1" },
          { aud: `${origin.url}/` },
          { aud: undefined },
          { aud: "" },
          { iss: "http://127.0.0.1:1" },
          { iss: `${issuer.url}.example.test` },
          { iss: undefined },
        ]) {
          refused(await origin.ask(await sign(good(changes), key)), JSON.stringify(changes));
        }
      });

      it("refuses an assertion without a signature of the key it names", async () => {
        const assertion = await sign(good(), key);
        const foreign = await makeKey(key.kid);
        refused(await origin.ask(await sign(good(), foreign)), "a foreign key of the same name");
        refused(await origin.ask(tampered(assertion, { sub: "root" })), "tampered");
        refused(await origin.ask(assertion.slice(0, assertion.lastIndexOf(".") + 1)), "cut off");
        const zeros = Buffer.alloc(64).toString("base64url");
        refused(await origin.ask(assertion.replace(/[^.]+$/, zeros)), "a signature of zeros");
      });

      it("refuses every other algorithm", async () => {
        for (const alg of ["none", "None", "nOnE", ""]) refused(await origin.ask(unsigned(good(), key, alg)), `alg ${alg}`);
        for (const forged of signedWithPublicKey(good(), key)) refused(await origin.ask(forged), "HS256");
        refused(await origin.ask(await sign(good(), longer)), "ES384, with a key that is published");
      });

      it("believes no key that comes with the assertion", async () => {
        const own = await makeKey(key.kid);
        const { d, ...jwk } = own.jwk;
        const other = await startIssuer();
        other.keys = [own];
        const jku = `${other.url}/.well-known/authflow/jwks.json`;
        refused(await origin.ask(await sign(good(), own, { jwk })), "jwk");
        refused(await origin.ask(await sign(good(), own, { jku })), "jku");
        assert.equal(other.fetches, 0);
        other.stop();
      });

      it("refuses what is no assertion at all", async () => {
        const assertion = await sign(good(), key);
        const changed = [`${assertion}.x`, `Bearer ${assertion}`, `${assertion}, x`];
        for (const text of ["", "x", "..", "a.b.c", "e30.e30.", ...changed]) {
          refused(await origin.ask(text), text);
        }
      });

      it("fetches keys for unknown ones, but not for each", async () => {
        const stranger = await makeKey();
        const before = issuer.fetches;
        const started = Date.now();
        for (let i = 0; i < 20; i += 1) {
          refused(await origin.ask(await sign(good(), stranger, { kid: `unknown-${i}` })), "an unknown key");
        }
        refused(await origin.ask(await sign(good(), stranger, { kid: undefined })), "no key");
        const fetches = issuer.fetches - before;
        assert.ok(fetches <= 1 + (Date.now() - started) / 5000, `${fetches} fetches`);

        // The keys it knew are as good as before, and a new one is found as soon as it may look again.
        letIn(await origin.ask(await sign(good(), key)), ada);
        issuer.keys = [await makeKey(), key];
        letIn(await untilLetIn(async () => origin.ask(await sign(good(), issuer.keys[0]))), ada);
        letIn(await origin.ask(await sign(good(), key)), ada);
      });

      it("starts before the gateway does, and lets nobody in until it has the keys", async () => {
        const port = await freePort();
        const late = { url: `http://127.0.0.1:${port}` };
        const early = await startOrigin(name, { gateway: late.url });
        try {
          const assertion = () => sign(claims(late, early.url), key);
          refused(await early.ask(await assertion()), "no gateway");
          const { stop } = await startIssuer({ port, keys: [key] });
          letIn(await untilLetIn(async () => early.ask(await assertion())), ada);
          stop();
        } finally {
          await early.stop();
        }
      });

      it("does not start without each of its settings", async () => {
        const settings = [{ GATEWAY_URL: undefined }, { GATEWAY_URL: "" }, { ORIGIN_URL: undefined }, { ORIGIN_URL: "" }];
        // Two whole applications take long to start: each setting is missing in one way.
        for (const env of file ? settings : [settings[0], settings[3]]) {
          await assert.rejects(startOrigin(name, { gateway: issuer.url, env, endsAlone: true }), JSON.stringify(env));
        }
      });

      if (file) {
        it("has fewer than 40 lines, blank ones and comments aside", async () => {
          const source = (await readFile(file, "utf8")).replaceAll(/"""[^]*?"""/g, "");
          const lines = source.split("\n").filter((line) => !/^\s*(\/\/.*|#.*)?$/.test(line));
          assert.ok(lines.length > 10 && lines.length < 40, `${lines.length} lines`);
        });
      }
    });
  }
});

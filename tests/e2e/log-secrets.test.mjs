// What both workers tell their operators of a run over all that they do, well and ill, in logs, spans, metrics and data
// points: nothing that was secret in it, no secret of the configuration, no cookie, token, password, code or address,
// in no form. The tests before it show that it would be found.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";

import { BREAKAGE, badVariables } from "../support/secrets/breakage.mjs";
import { Collected } from "../support/secrets/collected.mjs";
import { OUTAGES } from "../support/secrets/outages.mjs";
import { formsOf, Search } from "../support/secrets/search.mjs";
import { stored } from "../support/secrets/stored.mjs";
import { WAYS } from "../support/secrets/ways.mjs";
import { secretNames, someSecrets, startOverheard } from "../support/secrets/world.mjs";

const SESSION = "f47ac10b-58cc-4372-a567-0e02b2c3d479.AAAAAAAAAAAAAAAAAAAAAA";
const PASSWORD = `"Horse" & cow+sheep/100% \\ schön`;
const EXAMPLES = {
  email: "Ada.Lovelace+x@example.test",
  password: PASSWORD,
  code: "271828",
  mac: "AAECAwQFBgcICQoLDA0ODw",
  session_id: "f47ac10b-58cc-4372-a567-0e02b2c3d479",
  access_token: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4IiwiZW1haWwiOiJhQGIudGVzdCJ9.c2lnbmF0dXJl",
};

/** A line as a worker would log it. */
function planted(cause) {
  return JSON.stringify({ ts: "2027-01-15T08:00:00.000Z", level: "info", msg: "planted", service: "auth", cause });
}

describe("the search", () => {
  for (const [kind, value] of Object.entries(EXAMPLES)) {
    it(`finds a planted ${kind} in every form`, () => {
      const search = new Search(new Map([[value, kind]]));
      const { folded, exact } = formsOf(value);
      for (const [form, text] of Object.entries({ ...folded, ...exact })) {
        if (text.length < 4) continue;
        const found = search.in(planted(`before ${text} after`)).map(({ kind }) => kind);
        assert.ok(found.includes(kind), `${form}: ${text}`);
      }
      assert.ok(search.in(planted(value.toUpperCase())).length > 0, "in capitals");
    });
  }

  it("finds one within something that is encoded as a whole, wherever it stands there", () => {
    const search = new Search(new Map([[PASSWORD, "password"]]));
    for (const before of ["", "a", "ab", "abc", "ada@example.test:"]) {
      for (const alphabet of ["base64", "base64url", "hex"]) {
        const text = Buffer.from(`${before}${PASSWORD}, after`).toString(alphabet);
        assert.equal(search.in(planted(text))[0]?.kind, "password", `${alphabet}, ${before}`);
      }
      const twice = JSON.stringify({ body: JSON.stringify({ password: before + PASSWORD }) });
      assert.equal(search.in(planted(twice))[0]?.kind, "password");
    }
  });

  it("finds a part of one, and leaves what names a session in the log", () => {
    const search = new Search(
      new Map([
        [EXAMPLES.access_token, "access_token"],
        [SESSION, "token"],
      ]),
    );
    assert.equal(search.in(planted(EXAMPLES.access_token.slice(30, 45)))[0]?.kind, "access_token");
    assert.equal(search.in(planted(SESSION.slice(0, 15)))[0]?.kind, "token");
    assert.deepEqual(search.in(planted(SESSION.slice(0, 8))), []);
  });

  it("tells by its shape what was never seen", () => {
    const search = new Search(new Map());
    for (const text of [
      "x ada@example.test",
      "mail=ada%40example.test",
      EXAMPLES.access_token,
      "gAAAAABk_x",
      SESSION,
      "Bearer x",
      "basic eA==",
      "__Host-authflow=x",
      '{"d":"x"}',
    ]) {
      assert.ok(search.in(planted(text)).length > 0, text);
    }
    assert.deepEqual(search.in(planted("supabase: connection, from 203.0.113.7 at /app/x, 200")), []);
  });

  it("lets names pass that stand in a secret, and nothing else of it", () => {
    const [id, secret] = ["0b8f4b52-6f43-4f0e-9f3a-5d1d3f1f5a10", "Horse-battery-staple"];
    const search = new Search(new Map([[`${id}:${secret}`, "kept"]]), [id]);
    assert.deepEqual(search.in(planted(id)), []);
    assert.equal(search.in(planted(secret)).length, 1);
  });
});

describe("what is collected", () => {
  const secret = "Horse-battery-staple-1A";
  const encoded = encodeURIComponent(secret);
  const json = { "content-type": "application/json" };
  const html = { "content-type": "text/html; charset=utf-8" };
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const basic = Buffer.from(`ada:${secret}`).toString("base64");
  const claims = Buffer.from(JSON.stringify({ session_id: secret })).toString("base64url");
  for (const [place, target, headers, body] of [
    ["a query", `/app/x?a=b&key=${encoded}`, {}],
    ["a query within a query", `/auth/signin?next=${encodeURIComponent(`http://localhost/app/x?key=${encoded}`)}`, {}],
    ["a cookie", "/", { cookie: `theme=dark; __Host-authflow=${secret}; x=y` }],
    ["a bearer token", "/", { authorization: `bEARER ${secret}` }],
    ["basic credentials", "/", { Authorization: `Basic ${basic}` }],
    ["a header that nobody knows", "/", { "X-New": secret }],
    ["a field of JSON", "/", json, JSON.stringify({ a: [{ new_field: secret }] })],
    ["JSON in a field of JSON", "/", json, JSON.stringify(["SET", "key", JSON.stringify({ a: { b: secret } })])],
    ["a key of Redis", "/", json, JSON.stringify([["GET", `session:${secret}`]])],
    ["a form", "/", form, `a=b&password=${encoded}`],
    ["JSON that is cut off", "/", json, `{"password": "${secret}`],
    ["a body of another type", "/", { "content-type": "text/plain" }, `password=${secret}`],
    ["a token's claims", "/", { "x-token": `eyJhbGciOiJub25lIn0.${claims}.c2ln` }],
    ["a cookie that is set", undefined, { "set-cookie": `__Host-authflow=${secret}; Path=/; Secure` }],
    ["where an answer leads", undefined, { location: `/auth/confirm?token_hash=${encoded}` }],
    ["where a page leads", undefined, { refresh: `0; url=http://localhost/x?state=${encoded}` }],
    ["a hidden field", undefined, html, `<input type="hidden" name="mfa_token" value="${secret}">`],
    ["a link of a page", undefined, html, `<a href="/auth/reset?a=b&#38;token_hash=${encoded}">`],
    ["an app's address", undefined, json, JSON.stringify({ uri: `otpauth://totp/x?secret=${secret}` })],
    ["headers that are told", undefined, json, JSON.stringify({ headers: [["x-a", secret]] })],
  ]) {
    it(`includes ${place}`, () => {
      const collected = new Collected();
      collected.message({ target, headers: Object.entries(headers), body });
      assert.ok(collected.secrets.has(secret), JSON.stringify([...collected.secrets]));
    });
  }

  it("leaves out words, and what names a request or a person wherever it stands", () => {
    const collected = new Collected();
    const id = "0b8f4b52-6f43-4f0e-9f3a-5d1d3f1f5a10";
    const body = JSON.stringify({ id, user: { user_id: id }, status: "mail_sent", error: "no such key" });
    collected.message({
      headers: [
        ["content-type", "application/json"],
        ["x-request-id", id],
      ],
      body,
    });
    assert.deepEqual([...collected.secrets], []);
  });
});

/** So many of each are seen at least. */
const ENOUGH = {
  access_token: 80,
  authorization: 40,
  basic: 2,
  challenge_id: 3,
  code: 20,
  code_verifier: 2,
  cookie: 40,
  current_password: 20,
  device_fingerprint: 3,
  email: 100,
  hash: 40,
  invitation: 1,
  mac: 40,
  mfa_token: 4,
  password: 100,
  phone: 1,
  query: 50,
  refresh_token: 80,
  secret: 4,
  session_id: 80,
  session_token: 40,
  "set-cookie": 40,
  state: 5,
  token: 40,
  token_hash: 40,
  uri: 4,
  "webhook-signature": 1,
  "x-authflow-assertion": 10,
  "x-user-email": 5,
};

/** What each worker has said at least, beside its requests. */
const SAID = {
  auth: [
    "audit",
    "breaker",
    "change_refused",
    "config_invalid",
    "database_unusable",
    "new_device_hook_failed",
    "recovery_mail_failed",
    "resend_failed",
  ],
  verify: ["audit", "breaker", "config_invalid", "database_unusable", "limiter_unavailable", "origin_retried", "trap"],
};

describe("a run over everything", () => {
  let world;
  let search;
  let pages;
  before(async () => {
    world = await startOverheard();
  });
  after(() => world?.stop());

  /** What the runtimes printed, each line with the record in it: what the workers logged, and data points. */
  const printed = () => world.runtimes.lines().map((line) => ({ line, record: recordOf(line) }));
  const isPoint = ({ record }) => record?.msg === "data_point";
  const records = () => printed().filter((one) => !isPoint(one));

  /** Every text that operators get to see, with where it stands. */
  function* seen() {
    for (const { line, record } of records()) {
      if (!record) yield ["what is no record", line];
      for (const [field, value] of Object.entries(record ?? {})) {
        yield [`${record.service} "${record.msg}", ${field}`, `${field} ${value}`];
      }
    }
    for (const { record } of printed().filter(isPoint)) {
      for (const text of textsOf(record.point)) yield ["a data point", text];
    }
    for (const spans of world.spans) for (const text of textsOf(JSON.parse(spans))) yield ["a span", text];
    for (const page of pages) for (const line of page.split("\n")) yield ["/metrics", line];
  }

  /** What was found in it: which kind of secret, where, and how often. */
  function findings() {
    search ??= new Search(world.collected.secrets, world.collected.names);
    const found = [...seen()].flatMap(([where, text]) => search.in(text).map((one) => ({ ...one, where })));
    const alike = Object.groupBy(found, ({ where, kind, form }) => `${where}: ${kind}, ${form}`);
    return Object.entries(alike).map(([what, [{ kind, around }, ...more]]) => {
      return { kind, text: `${what}, ${more.length + 1} times: …${around}…` };
    });
  }

  const isSession = ({ kind }) => kind.split(", ").includes("session_id");

  for (const [name, way] of Object.entries(WAYS)) it(`goes on: ${name}`, () => way(world));

  it("overhears all that the stores hold", () => assertHeard());

  for (const [name, way] of Object.entries({ ...OUTAGES, ...BREAKAGE })) it(`goes on: ${name}`, () => way(world));

  it("overhears all that the stores hold in the end", () => assertHeard());

  async function assertHeard() {
    const text = await stored(world);
    const sealed = new Set(text.match(/gAAAA[\w-]+=*/g));
    const sessions = new Set([...text.matchAll(/\bsession:([\da-f-]{36})/g)].map(([, id]) => id));
    assert.ok(sealed.size >= 10 && sessions.size >= 5, `${sealed.size} ${sessions.size}`);
    for (const secret of [...sealed, ...sessions]) assert.ok(world.collected.has(secret), secret);
    world.collected.take("stored", text.split("\n"));
    for (const { to, token_hash } of await world.outbox()) {
      for (const secret of [to, token_hash]) assert.ok(!secret || world.collected.has(secret), secret);
    }
  }

  it("was long enough, and as various as it should be", async () => {
    pages = await world.metrics();
    await world.settle();
    // What is done after an answer is logged after it, too.
    await setTimeout(1000);
    const { counts } = world.collected;
    const few = Object.entries(ENOUGH).filter(([name, least]) => !(counts[name] >= least));
    assert.deepEqual(
      few.map(([name]) => `${name}: ${counts[name]}`),
      [],
    );
    for (const name of [...(await secretNames()), "METRICS_TOKEN"]) assert.ok(counts[name] >= 1, name);

    const logged = records().map(({ record }) => record);
    const levels = new Set(logged.map(({ level }) => level));
    for (const level of ["error", "info", "warn"]) assert.ok(levels.has(level), level);
    for (const [service, words] of Object.entries(SAID)) {
      const own = logged.filter((record) => record.service === service);
      const said = new Set(own.map(({ msg }) => msg));
      assert.deepEqual(
        words.filter((word) => !said.has(word)),
        [],
        service,
      );
      assert.ok(own.length >= 150, `${service}: ${own.length}`);
    }
    const points = printed().filter(isPoint);
    assert.ok(world.spans.length >= 30 && points.length >= 50, `${world.spans.length} ${points.length}`);
    for (const page of pages) assert.match(page, /^authflow_requests_total\{/m);
    const outcomes = new Set(logged.map(({ outcome }) => outcome));
    assert.ok(outcomes.size >= 65, `${outcomes.size}`);
  });

  it("would have found every secret of its own, had it been logged", () => {
    findings();
    const missed = [...world.collected.secrets].filter(([value]) => search.in(planted(value)).length === 0);
    assert.deepEqual(missed.slice(0, 5), []);
  });

  it("prints lines that are JSON objects of a known form, and nothing else", () => {
    for (const { line, record } of records()) {
      const { ts, level, msg, service } = record ?? {};
      assert.ok(record && Date.parse(ts) > 0, line);
      assert.ok(["debug", "info", "warn", "error"].includes(level) && ["auth", "verify"].includes(service), line);
      assert.match(msg, /^[a-z]+(_[a-z]+)*$/, line);
    }
  });

  it("logs each request that was answered", () => {
    const logged = new Set(records().map(({ record }) => record.request_id));
    assert.ok(world.answered.size >= 900, `${world.answered.size}`);
    assert.deepEqual(
      [...world.answered].filter((id) => !logged.has(id)),
      [],
    );
  });

  it("says of each request what is promised", () => {
    const requests = records()
      .map(({ record }) => record)
      .filter(({ msg }) => msg === "request");
    const fields = ["request_id", "trace_id", "method", "status", "duration_ms", "outcome"];
    const lacking = requests.filter((record) => fields.some((field) => record[field] === undefined));
    assert.deepEqual(lacking, []);
  });

  it("tells each fault of the configuration without the value", () => {
    const faults = records().filter(({ record }) => record.msg === "config_invalid");
    const told = new Set(faults.map(({ record }) => record.variable));
    const { secrets, urls } = badVariables();
    assert.deepEqual(
      Object.keys({ ...secrets, ...urls }).filter((name) => !told.has(name)),
      [],
    );
  });

  it("logs no secret", () => {
    assert.deepEqual(
      findings()
        .filter((found) => !isSession(found))
        .map(({ text }) => text),
      [],
    );
  });

  it("names no session otherwise than by the beginning of its hash", () => {
    assert.deepEqual(
      findings()
        .filter(isSession)
        .map(({ text }) => text),
      [],
    );
  });
});

it("every variable that is called secret is among those of the run, and among the faulty ones", async () => {
  const names = await secretNames();
  assert.ok(names.length >= 8, `${names}`);
  for (const secrets of [someSecrets(), badVariables().secrets]) {
    assert.deepEqual(
      names.filter((name) => !(name in secrets)),
      [],
    );
  }
});

/** What a worker logged, as the runtime prints it; undefined for what is none. */
function recordOf(line) {
  try {
    const { message } = JSON.parse(line);
    const record = JSON.parse(message);
    return record && typeof record === "object" ? record : undefined;
  } catch {
    return undefined;
  }
}

function* textsOf(value) {
  if (typeof value === "string") yield value;
  else if (value && typeof value === "object") for (const inner of Object.values(value)) yield* textsOf(inner);
}

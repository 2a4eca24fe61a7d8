// Somebody with a rich life is told all that is stored of them, and forgotten; through both workers, Redis and PostgreSQL.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import {
  askAdmin,
  assertForgotten,
  done,
  leftOf,
  me,
  ofAddress,
  richLife,
  settled,
  shortLife,
  startRichStack,
} from "../support/life.mjs";
import { rowOf, rowsBelow } from "../support/page.mjs";
import { api, problem, signUp, visit } from "../support/person.mjs";
import { redisDump } from "../support/stored.mjs";

let stack;
before(async () => {
  stack = await startRichStack();
});
after(() => stack?.stop());

const ask = (method, path) => askAdmin(stack, method, path);

describe("somebody with a rich life", () => {
  it("is stored under keys of the page alone, in rows of the page alone", async () => {
    const { keys, rows } = await leftOf(stack, await richLife(stack));
    const page = await rowsBelow("In Redis");
    const all = [...(await redisDump(stack.redis)).keys()];
    assert.deepEqual(
      all.filter((key) => !rowOf(page, key)),
      [],
    );
    const kinds = new Set(all.map((key) => rowOf(page, key).name));
    const things = [
      "session",
      "user_id",
      "user_sessions",
      "device",
      "user_profile",
      "second_factor",
      "reset",
      "tried_code",
      "oauth",
    ];
    const counted = ["signin", "signup", "forgot", "resend", "code"].map((kind) => `limit:{${kind}:account:…}:…`);
    const wanted = [...things.map((thing) => `${thing}:…`), ...counted, "limit:{route:…}:…"];
    assert.deepEqual(
      wanted.filter((kind) => !kinds.has(kind)),
      [],
      "the life is rich",
    );
    const tables = (await rowsBelow("In the database")).map(({ name }) => name);
    assert.ok(keys.length >= 10 && rows.length >= 2);
    assert.deepEqual(
      rows.filter(({ table }) => !tables.includes(table)),
      [],
    );
  });

  it("is told all that the stores hold of them, and nothing that opens anything", async () => {
    const person = await richLife(stack);
    const told = await done(ask("GET", `users/${person.id}/data`), 200);
    const under = await done(ask("GET", ofAddress(person.email)), 200);
    assert.equal(told.account.email, person.email);
    assert.deepEqual(told.account.identities.map(({ provider }) => provider).sort(), ["email", "google"]);
    assert.equal(told.account.factors[0].factor_type, "totp");

    const { keys, rows } = await leftOf(stack, person);
    const devices = JSON.parse(keys.find(([key]) => key === `device:${person.id}`)[1].text).filter((_, at) => at % 2 === 0);
    assert.ok(devices.length >= 2);
    for (const device of devices) assert.ok(told.redis[`device:${person.id} ${device}`]?.label, device);
    // The list of sessions is told by its members, and the devices one by one.
    const others = keys.map(([key]) => key).filter((key) => !/^(user_sessions|device):/.test(key));
    assert.deepEqual(
      others.filter((key) => !(key in told.redis)),
      [],
    );
    assert.deepEqual(under.database.users, [person.id]);
    const live = told.database.sessions.filter(({ record }) => record);
    assert.equal(live.length, person.sessions.length);
    assert.equal(told.database.sessions.length, rows.filter(({ table }) => table === "authflow_sessions").length);
    assert.equal(live[0].record.supabase, "sealed");

    const text = JSON.stringify([told, under]);
    assert.deepEqual(
      person.secrets.filter((secret) => text.includes(secret)),
      [],
    );
    assert.doesNotMatch(text, /gAAAAA|"secret"|eyJ/, "neither sealed nor open tokens, nor secrets of factors");
    const event = await stack.logs.find((line) => line.event === "data_exported" && line.user_id === person.id);
    assert.equal(event.actor, stack.anAdmin.id);
  });

  it("is forgotten by the API alone; everybody else's things stay, and the address can sign up anew", async () => {
    const [person, other] = [await richLife(stack), await richLife(stack)];
    const before = await leftOf(stack, other);
    await done(ask("DELETE", `users/${person.id}`));
    await assertForgotten(stack, person);
    const { keys, rows } = await leftOf(stack, other);
    const texts = (list) => list.map(([key, { text }]) => `${key} ${text}`).sort();
    assert.deepEqual(texts(keys), texts(before.keys));
    assert.deepEqual(rows, before.rows);
    for (const session of other.sessions) assert.equal((await visit(stack, session, session)).status, 200);

    await done(ask("DELETE", `users/${person.id}`));
    const told = await done(ask("GET", `users/${person.id}/data`), 200);
    const left = [told.account, Object.keys(told.redis), Object.keys(told.database)];
    assert.deepEqual(left, [null, [`sessions_ended:${person.id}`], ["mark"]]);

    const anew = await signUp(stack, { email: person.email });
    assert.notEqual(anew.id, person.id);
    assert.equal((await visit(stack, anew)).status, 200);
    const headers = { cookie: anew.cookie };
    const { factors } = await done(api(stack, "mfa/factors", undefined, { method: "GET", headers }), 200);
    assert.deepEqual(factors, []);
    const deleted = await stack.logs.find((line) => line.event === "user_deleted" && line.user_id === person.id);
    assert.equal(deleted.actor, stack.anAdmin.id);
    const audit = stack.logs.records.filter(({ msg }) => msg === "audit").map((line) => JSON.stringify(line));
    assert.deepEqual(
      audit.filter((line) => line.includes(person.email)),
      [],
    );
  });

  it("is forgotten, too, when Supabase does not know them any more", async () => {
    const person = await richLife(stack);
    await stack.admin("DELETE", `/admin/users/${person.id}`);
    const under = await done(ask("GET", ofAddress(person.email)), 200);
    assert.deepEqual(under.database.users, [person.id]);
    await done(ask("DELETE", `users/${person.id}`));
    for (const address of [person.email, person.next]) {
      await done(ask("DELETE", ofAddress(address)));
      await problem(await ask("GET", ofAddress(address)), 404, "not_found");
    }
    await assertForgotten(stack, person);
  });

  it("is not said to be forgotten while the database is away, and then goes on", async () => {
    const person = await richLife(stack);
    await stack.postgres.freeze();
    try {
      const { detail } = await problem(await ask("DELETE", `users/${person.id}`), 503, "store_unavailable");
      assert.match(detail, /deleted account/);
    } finally {
      await stack.postgres.thaw();
    }
    await done(ask("DELETE", `users/${person.id}`));
    await assertForgotten(stack, person);
  });
});

it("whoever deletes their own account is forgotten", async () => {
  const person = await shortLife(stack);
  await api(stack, "signin", { email: person.email, password: "wrong" });
  const headers = { cookie: person.cookie };
  await done(api(stack, "delete-account", { current_password: person.password }, { headers }));
  const end = Date.now() + 5000;
  const isOver = ({ rows }) => rows.every(({ table }) => table === "authflow_user_marks");
  while (!isOver(await leftOf(stack, person)) && Date.now() < end);
  await assertForgotten(stack, person);
});

it("nobody comes back by a request that was on its way", async () => {
  const person = await shortLife(stack);
  const { supabase } = stack.companions;
  await stack.redis.command("DEL", `user_profile:${person.id}`);
  // Supabase takes its time for the first two that ask.
  await supabase.fault({ latency_ms: 400, count: 2 });
  const { email, password } = person;
  const onTheirWay = [api(stack, "signin", { email, password }), me(stack, person.sessions[0])];
  await done(ask("DELETE", `users/${person.id}`));
  await Promise.all(onTheirWay);
  await supabase.heal();
  await done(ask("DELETE", ofAddress(email)));
  await settled(stack);
  await assertForgotten(stack, person);
});

it("a profile that was asked for before all sessions ended is not kept", async () => {
  const person = await shortLife(stack);
  const [profile, mark] = [`user_profile:${person.id}`, `sessions_ended:${person.id}`];
  await stack.redis.command("DEL", profile);
  const scripts = async () => /cmdstat_eval:calls=(\d+)/.exec(await stack.redis.command("INFO", "commandstats"))?.[1];
  for (const [ended, isKept] of [
    [Date.now() + 60_000, 0],
    [Date.now() - 60_000, 1],
  ]) {
    await stack.redis.command("SET", mark, ended, "EX", 60);
    const before = await scripts();
    await done(me(stack, person.sessions[0]), 200);
    const end = Date.now() + 5000;
    while ((await scripts()) === before) assert.ok(Date.now() < end, "it is asked to be kept, after the answer");
    assert.equal(await stack.redis.command("EXISTS", profile), isKept);
  }
  assert.ok((await stack.redis.command("TTL", profile)) > 1700);
});

it("nobody but an admin is told or forgets anything", async () => {
  const [person, other] = [await signUp(stack), await signUp(stack)];
  const asked = [
    ["GET", `users/${other.id}/data`],
    ["GET", ofAddress(other.email)],
    ["DELETE", ofAddress(other.email)],
  ];
  for (const [method, path] of asked) {
    const as = (cookie) => api(stack, `admin/${path}`, undefined, { method, headers: { cookie } });
    await problem(await as(person.cookie), 403, "forbidden");
    await problem(await as(""), 401, "no_session");
  }
  assert.equal((await visit(stack, other)).status, 200);
});

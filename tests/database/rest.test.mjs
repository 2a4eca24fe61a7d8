// The stand-in's /rest/v1 answers as PostgREST does, over the real PostgreSQL.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";

import { companion, startLocal } from "../support/local.mjs";
import { startPostgres } from "../support/postgres.mjs";
import { startRedis } from "../support/redis.mjs";
import { ended, hashOf, saved } from "./setup.mjs";

const SERVICE = { apikey: "local-service" };

let redis;
let postgres;
let local;

before(async () => {
  redis = await startRedis();
  postgres = await startPostgres();
  await postgres.query(`
    create table public.books (id int primary key, title text not null, pages int, tags jsonb, added timestamptz);
    insert into public.books values (1, 'Emma', 400, '["a"]', '2026-01-01'), (2, 'Ulysses', 700, null, null), (3, 'Dune', null, null, null);
    create function public.add(a int, b int default 10) returns int language sql immutable as 'select a + b';
    create function public.titles() returns setof text language sql stable as 'select title from public.books order by id';
    create function public.long_ones(than int) returns setof public.books language sql stable
      as 'select * from public.books where pages > than order by id';
    create function public.me() returns jsonb language sql stable as $$
      select jsonb_build_object('role', current_user, 'claims', current_setting('request.jwt.claims')::jsonb) $$;
    create function public.lies() returns void language sql stable as 'delete from public.books';
    create function public.fails(code text) returns void language plpgsql as $$
      begin raise exception 'it fails' using errcode = code, hint = 'a hint', detail = 'a detail'; end $$;
    create function public.sleeps(seconds float) returns void language sql as 'select pg_sleep(seconds)'`);
  local = await startLocal({ redisUrl: redis.url, postgresUrl: postgres.url });
});

after(async () => {
  await local?.stop();
  await postgres?.stop();
  await redis?.stop();
});

async function ask(method, path, body, headers = SERVICE) {
  const response = await fetch(`${local.supabase}/rest/v1${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : body && JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

const call = (name, given, headers) => ask("POST", `/rpc/${name}`, given, headers);

async function problem(pending, status, code) {
  const answer = await pending;
  assert.deepEqual([answer.status, answer.body?.code], [status, code], JSON.stringify(answer));
  assert.deepEqual(Object.keys(answer.body).sort(), ["code", "details", "hint", "message"]);
  return answer.body;
}

test("a function takes its arguments by name, and answers with its result as JSON", async () => {
  assert.deepEqual(await call("add", { a: 1, b: 2 }), { status: 200, body: 3 });
  assert.deepEqual(await call("add", { b: "2", a: "1" }), { status: 200, body: 3 });
  assert.deepEqual(await call("add", { a: 1 }), { status: 200, body: 11 });
  assert.deepEqual(await call("titles", {}), { status: 200, body: ["Emma", "Ulysses", "Dune"] });
  assert.deepEqual(
    (await call("long_ones", { than: 500 })).body.map(({ title }) => title),
    ["Ulysses"],
  );
  assert.deepEqual(await call("authflow_find", { hash: hashOf("nobody") }), { status: 200, body: null });
  assert.deepEqual(await call("authflow_apply", { changes: [saved("a"), ended("b")], owed: false }), {
    status: 204,
    body: undefined,
  });
  assert.equal((await call("authflow_find", { hash: hashOf("a") })).body.record.aal, "aal2");
});

test("a function that is not there, or takes other arguments, is 404", async () => {
  const { message } = await problem(call("nothing", { x: 1 }), 404, "PGRST202");
  assert.equal(message, "Could not find the function public.nothing(x) in the schema cache");
  await problem(call("nothing", {}), 404, "PGRST202");
  await problem(call("add", { b: 1 }), 404, "PGRST202");
  await problem(call("add", { a: 1, c: 1 }), 404, "PGRST202");
  await postgres.query("create function public.late() returns int language sql as 'select 1'");
  assert.equal((await call("late", {})).body, 1);
});

test("PostgreSQL's errors come with PostgREST's status", async () => {
  for (const [code, status] of [
    ["P0001", 400],
    ["22023", 400],
    ["23505", 409],
    ["40001", 500],
    ["42501", 403],
    ["53300", 503],
  ]) {
    const { message, hint, details } = await problem(call("fails", { code }), status, code);
    assert.deepEqual([message, hint, details], ["it fails", "a hint", "a detail"]);
  }
  await problem(call("lies", {}), 400, "0A000");
  await problem(call("add", { a: "one" }), 400, "22P02");
  await problem(call("authflow_apply", { changes: [{}], owed: false }), 400, "22023");
  await problem(call("add", "{"), 400, "PGRST102");
  await problem(call("add", [1]), 400, "PGRST102");
  await problem(ask("GET", "/rpc/add?a=1"), 405, "PGRST117");
});

test("rows are read with columns, filters and an order", async () => {
  const titles = async (query) => (await ask("GET", `/books?select=title&${query}`)).body.map(({ title }) => title);
  assert.deepEqual(await titles("order=id"), ["Emma", "Ulysses", "Dune"]);
  assert.deepEqual(await titles("order=pages.desc.nullslast&limit=1"), ["Ulysses"]);
  assert.deepEqual(await titles("order=id.desc&limit=1&offset=1"), ["Ulysses"]);
  assert.deepEqual(await titles("id=eq.1"), ["Emma"]);
  assert.deepEqual(await titles("id=neq.1&order=id"), ["Ulysses", "Dune"]);
  assert.deepEqual(await titles("pages=gte.400&pages=lt.700"), ["Emma"]);
  assert.deepEqual(await titles("pages=is.null"), ["Dune"]);
  assert.deepEqual(await titles("pages=not.is.null&order=id"), ["Emma", "Ulysses"]);
  assert.deepEqual(await titles(`title=in.(Dune,"Emma")&order=id`), ["Emma", "Dune"]);
  assert.deepEqual(await titles("title=like.*m*"), ["Emma"]);
  assert.deepEqual(await titles("title=eq.%27%20or%20true--"), []);
  const { body } = await ask("GET", "/books?select=name:title,tags,added&id=eq.1");
  assert.deepEqual(body, [{ name: "Emma", tags: ["a"], added: "2026-01-01T00:00:00+00:00" }]);
});

test("what cannot be read, or is not known here, is refused and not passed over", async () => {
  for (const query of [
    "id=1",
    "or=(id.eq.1,id.eq.2)",
    "select=id,authors(name)",
    "tags->>x=eq.1",
    "limit=x",
    "order=id.up",
    "id=fts.x",
  ]) {
    await problem(ask("GET", `/books?${query}`), 400, "PGRST100");
  }
  await problem(ask("GET", "/books?nothing=eq.1"), 400, "42703");
  await problem(ask("GET", "/books?id=eq.one"), 400, "22P02");
  await problem(ask("GET", "/nothing"), 404, "42P01");
  await problem(ask("GET", "/a/b/c"), 404, "PGRST125");
  await problem(ask("PUT", "/books?id=eq.1", { id: 1 }), 405, "PGRST117");
});

test("rows are inserted, changed and deleted, and shown when they are wanted", async () => {
  const want = (...what) => ({ ...SERVICE, prefer: what.join(", ") });
  assert.deepEqual(await ask("POST", "/books", { id: 10, title: "Kim" }), { status: 201, body: undefined });
  const both = [
    { id: 11, title: "Lila", pages: 1 },
    { id: 12, title: "Momo", pages: 2 },
  ];
  const inserted = await ask("POST", "/books?select=id,title", both, want("return=representation"));
  assert.deepEqual(inserted, {
    status: 201,
    body: [
      { id: 11, title: "Lila" },
      { id: 12, title: "Momo" },
    ],
  });
  await problem(ask("POST", "/books", [{ id: 13 }, { title: "x" }]), 400, "PGRST102");
  await problem(ask("POST", "/books", { id: 13 }), 400, "23502");
  await problem(ask("POST", "/books", { id: 10, title: "Kim" }), 409, "23505");

  const merged = await ask(
    "POST",
    "/books",
    { id: 10, title: "Kim II" },
    want("resolution=merge-duplicates", "return=representation"),
  );
  assert.deepEqual([merged.status, merged.body[0].title], [201, "Kim II"]);
  const ignored = await ask(
    "POST",
    "/books?on_conflict=id",
    { id: 10, title: "x" },
    want("resolution=ignore-duplicates", "return=representation"),
  );
  assert.deepEqual(ignored, { status: 201, body: [] });

  assert.deepEqual(await ask("PATCH", "/books?id=eq.10", { title: "Kim III", pages: 3 }), { status: 204, body: undefined });
  const changed = await ask("PATCH", "/books?id=gte.10&select=id,title,pages", { pages: 4 }, want("return=representation"));
  assert.deepEqual(
    changed.body.map(({ pages }) => pages),
    [4, 4, 4],
  );
  await problem(ask("PATCH", "/books", { pages: 4 }), 400, "21000");
  await problem(ask("DELETE", "/books"), 400, "21000");
  assert.deepEqual((await ask("DELETE", "/books?id=eq.12", undefined, want("return=representation"))).body[0].title, "Momo");
  assert.deepEqual(await ask("DELETE", "/books?id=gte.10"), { status: 204, body: undefined });
  assert.equal((await ask("GET", "/books")).body.length, 3);
});

test("a request has the role of its key or its token, and its claims", async () => {
  const sign = (claims, secret = "local-jwt-secret-of-at-least-32-characters") => {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const text = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
    return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
  };
  const as = (apikey, token) => call("me", {}, { apikey, ...(token ? { authorization: `Bearer ${token}` } : {}) });
  assert.equal((await as("local-service")).body.role, "service_role");
  assert.equal((await as("local-service", "local-service")).body.role, "service_role");
  assert.equal((await as("local-anon")).body.role, "anon");
  const claims = { role: "authenticated", sub: "ada", exp: 4_000_000_000 };
  assert.deepEqual((await as("local-anon", sign(claims))).body, { role: "authenticated", claims });
  await problem(as("local-anon", sign({ ...claims, exp: 1 })), 401, "PGRST301");
  await problem(as("local-anon", sign(claims, "another secret of at least 32 characters")), 401, "PGRST301");
  await problem(as("local-anon", "no.token"), 401, "PGRST301");
  assert.deepEqual(await as("wrong"), {
    status: 401,
    body: { message: "Invalid API key", hint: "Double check your Supabase `anon` or `service_role` API key." },
  });
  assert.equal((await call("me", {}, {})).status, 401);
  assert.equal((await as("local-service")).body.role, "service_role", "nothing is left of a role");
});

test("several requests run at once", async () => {
  const slow = call("sleeps", { seconds: 1 });
  const quick = Array.from({ length: 20 }, () => call("add", { a: 1 }));
  const first = await Promise.race([slow.then(() => "slow"), Promise.all(quick).then(() => "quick")]);
  assert.equal(first, "quick");
  assert.equal((await slow).status, 204);
});

test("while PostgreSQL is away it is 503, and once it is back all is well", async () => {
  await postgres.kill();
  await problem(call("titles", {}), 503, "PGRST000");
  await problem(ask("GET", "/books"), 503, "PGRST000");
  await postgres.restart();
  assert.equal((await call("titles", {})).status, 200);
  await postgres.restart();
  assert.equal((await call("titles", {})).status, 200, "a restart between two requests does not show");
});

test("a request under way when PostgreSQL dies is 503", async () => {
  const waiting = call("sleeps", { seconds: 30 });
  for (;;) {
    const [{ busy }] = await postgres.query(
      "select count(*)::int as busy from pg_stat_activity where query like '%sleeps%' and state = 'active' and pid <> pg_backend_pid()",
    );
    if (busy > 0) break;
  }
  await postgres.kill();
  await problem(waiting, 503, "PGRST001");
  await postgres.restart();
});

test("a frozen PostgreSQL is waited for, but not for ever", async () => {
  await call("titles", {});
  await postgres.freeze();
  const patient = call("titles", {});
  const began = performance.now();
  await problem(patient, 503, "PGRST001");
  assert.ok(performance.now() - began >= 9_000);
  const waiting = call("titles", {});
  await postgres.thaw();
  assert.equal((await waiting).status, 200);
  assert.equal((await call("titles", {})).status, 200);
});

test("faults hit it, and each function is counted by itself", async () => {
  const { counters, fault, heal } = companion(local.supabase);
  const count = async (kind) => (await counters()).requests[kind] ?? 0;
  const [functions, rows] = [await count("POST /rest/v1/rpc/add"), await count("GET /rest/v1/books")];
  await fault({ status: 502, count: 1 });
  assert.equal((await call("add", { a: 1 })).status, 502);
  await fault({ drop: true, path: "/rest/v1" });
  await assert.rejects(ask("GET", "/books"));
  assert.equal(
    (await fetch(`${local.supabase}/auth/v1/health`, { headers: SERVICE })).status,
    200,
    "Auth and database fail apart",
  );
  await heal();
  assert.equal((await call("add", { a: 1 })).status, 200);
  assert.equal(await count("POST /rest/v1/rpc/add"), functions + 2);
  assert.equal(await count("GET /rest/v1/books"), rows + 1);
});

test("without a PostgreSQL every request is answered 503", async (t) => {
  const without = await startLocal({ redisUrl: redis.url });
  t.after(() => without.stop());
  for (const [method, path] of [
    ["POST", "/rpc/authflow_find"],
    ["GET", "/authflow_sessions"],
    ["GET", "/nothing"],
  ]) {
    const response = await fetch(`${without.supabase}/rest/v1${path}`, { method, headers: SERVICE });
    assert.deepEqual([response.status, (await response.json()).code], [503, "PGRST000"]);
  }
  const health = await fetch(`${without.supabase}/auth/v1/health`, { headers: SERVICE });
  assert.equal(health.status, 200, "and Supabase Auth is well");
});

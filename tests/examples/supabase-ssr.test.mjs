// docs/guides/supabase-ssr.md: each stage of the way does what the page says, and its code keeps row-level security.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { signUp } from "../support/person.mjs";
import { startPostgres } from "../support/postgres.mjs";
import { startStack } from "../support/stack.mjs";
import { blocks } from "./readme.mjs";

const GUIDE = fileURLToPath(new URL("../../docs/guides/supabase-ssr.md", import.meta.url));

describe("the stages", () => {
  let stack;
  let stages;
  let ada;
  before(async () => {
    stages = await blocks(GUIDE, "json");
    stack = await startStack({ vars: { auth: { ANSWER_FLOOR_MS: "0" } } });
    ada = await signUp(stack);
  });
  after(() => stack?.stop());

  const use = (number) =>
    stack.workers.verify.setVars({ ROUTES: stages[number].replaceAll("http://127.0.0.1:3000", stack.origin) });

  /** What the application is told; or, if the request does not reach it, the status. */
  async function told(path, person) {
    const cookie = ["sb-project-auth-token.0=base64-old", person?.cookie].filter(Boolean).join("; ");
    const response = await fetch(stack.gateway + path, { headers: { cookie }, redirect: "manual" });
    if (response.status !== 200) return response.status;
    const headers = Object.fromEntries((await response.json()).headers);
    return { cookie: headers.cookie, user: headers["x-user-id"], assertion: headers["x-authflow-assertion"] !== undefined };
  }
  const asBefore = { cookie: "sb-project-auth-token.0=base64-old", user: undefined, assertion: false };
  const known = () => ({ ...asBefore, user: ada.id, assertion: true });

  it("are three", () => assert.equal(stages.length, 3));

  it("first, everything passes, with the old session's cookie, and nobody is identified", async () => {
    await use(0);
    assert.deepEqual(await told("/reports/x"), asBefore);
    assert.deepEqual(await told("/", ada), asBefore);
  });

  it("then one area is protected, and the rest as before", async () => {
    await use(1);
    for (const path of ["/reports", "/reports/x"]) {
      assert.equal(await told(path), 401);
      assert.deepEqual(await told(path, ada), known());
    }
    assert.deepEqual(await told("/reporting"), asBefore);
    assert.deepEqual(await told("/", ada), asBefore);
  });

  it("in the end all is protected but what is said to be public; and the way back is the first stage", async () => {
    await use(2);
    assert.equal(await told("/"), 401);
    assert.deepEqual(await told("/", ada), known());
    for (const path of ["/blog/x", "/_next/static/x.js"]) assert.deepEqual(await told(path), asBefore);
    await use(0);
    assert.deepEqual(await told("/"), asBefore);
  });
});

describe("row-level security, by PostgreSQL as the user", () => {
  const [ada, eve] = ["a", "e"].map((letter) => ({
    id: `${letter.repeat(8)}-0000-4000-8000-000000000000`,
    email: `${letter}@example.test`,
    aal: "aal1",
  }));
  let postgres;
  let as;
  before(async () => {
    postgres = await startPostgres();
    // What Supabase has, as far as the policy needs it.
    await postgres.query(`
      create schema auth;
      create function auth.uid() returns uuid language sql stable
        as $$ select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
      grant usage on schema auth to authenticated;
      create table notes (owner uuid not null default auth.uid(), text text not null);
      alter table notes enable row level security;
      create policy own on notes to authenticated using (owner = auth.uid()) with check (owner = auth.uid());
      grant all on notes to authenticated;
    `);
    const [role] = await blocks(GUIDE, "sql");
    await postgres.query(role);
    const [code] = await blocks(GUIDE, "js");
    process.env.DATABASE_URL = postgres.url.replace("authenticator", "application");
    const source = code.replace('"pg"', JSON.stringify(import.meta.resolve("pg")));
    ({ as } = await import(`data:text/javascript,${encodeURIComponent(source)}`));
  });
  after(() => postgres?.stop());

  const rows = (user) => as(user, async (client) => (await client.query("select text from notes order by 1")).rows);
  const texts = async (user) => (await rows(user)).map(({ text }) => text);
  const add = (user, text) => as(user, (client) => client.query("insert into notes (text) values ($1)", [text]));

  it("everybody sees and changes what is theirs", async () => {
    await Promise.all([add(ada, "cat"), add(eve, "key"), add(ada, "dog")]);
    assert.deepEqual([await texts(ada), await texts(eve)], [["cat", "dog"], ["key"]]);
    await as(eve, (client) => client.query("update notes set text = 'stolen'"));
    assert.deepEqual(await texts(ada), ["cat", "dog"]);
    await assert.rejects(
      as(eve, (client) => client.query("insert into notes values ($1, 'for Ada')", [ada.id])),
      /row-level security/,
    );
  });

  it("what fails is undone, and the connection is nobody's afterwards", async () => {
    const failing = as(ada, async (client) => {
      await client.query("insert into notes (text) values ('half')");
      throw new Error("on the way");
    });
    await assert.rejects(failing, /on the way/);
    assert.deepEqual(await texts(ada), ["cat", "dog"]);
  });

  it("the role by itself can do nothing", async () => {
    const client = await postgres.connect({ role: "application" });
    await assert.rejects(client.query("select * from notes"), { code: "42501" });
    await client.end();
  });
});

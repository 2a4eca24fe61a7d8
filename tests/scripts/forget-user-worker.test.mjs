// scripts/forget-user, before a worker that is not as it should be: none is believed that cannot be.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("../../scripts/forget-user", import.meta.url));
const ADA = "ada@example.com";
const PAGE = 50;

async function forgetUser(url, args = [ADA, "--dry-run"]) {
  const child = spawn(SCRIPT, [...args, "--url", url], { env: { ...process.env, AUTHFLOW_TOKEN: "of-an-admin" } });
  child.stdin.end();
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
  const [code] = await once(child, "close");
  return { code, said };
}

/** The admin API of a worker whose search answers what `search(page)` gives; of the user `id` there is an account. */
async function startWorker(t, { search, id }) {
  const asked = [];
  const server = createServer((request, response) => {
    assert.equal(request.headers.authorization, "Bearer of-an-admin");
    const { pathname, searchParams } = new URL(request.url, "http://worker");
    const path = pathname.replace("/api/v1/simple_auth/admin/", "");
    asked.push(request.method);
    const found = path === "users" && searchParams.get("email") === ADA && search(Number(searchParams.get("page")));
    const account = path === `users/${id}/data` && { id, email: ADA };
    response.statusCode = found || account ? 200 : 404;
    const some = found ? { users: found } : { account, redis: {}, database: null };
    response.end(JSON.stringify(found || account ? some : { code: "not_found", detail: "There is nothing." }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${server.address().port}`, asked };
}

const idOf = (number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
const others = (from, count) =>
  Array.from({ length: count }, (_, index) => ({ id: idOf(from + index), email: `x${from + index}${ADA}` }));
const pageOf = (list, page) => list.slice((page - 1) * PAGE, page * PAGE);

test("whoever moves to a page that has been read, because others left the list, is found", async (t) => {
  let list = [...others(1, PAGE), { id: idOf(1000), email: ADA }];
  const search = (page) => {
    const users = pageOf(list, page);
    list = list.filter(({ id }) => id !== idOf(1));
    return users;
  };
  const { url } = await startWorker(t, { search, id: idOf(1000) });
  const { code, said } = await forgetUser(url);
  assert.deepEqual([code, said.split("\n")[0]], [0, `${ADA}, user ${idOf(1000)}:`], said);
});

test("where the list never stays the same, it says so, and not that nothing is stored", async (t) => {
  let next = 1;
  const search = (page) => (page === 1 ? others((next += PAGE), PAGE) : []);
  const { url, asked } = await startWorker(t, { search });
  const { code, said } = await forgetUser(url, [ADA, "--yes"]);
  assert.equal(code, 3, said);
  assert.match(said, /^It is not certain whether .* under ada@example\.com\. .*the user's id.*Nothing was deleted/);
  assert.doesNotMatch(said, /Nothing is stored/);
  assert.ok(!asked.includes("DELETE"));
});

test("an older worker, which knows no pages, is not believed", async (t) => {
  const { url } = await startWorker(t, { search: () => others(1, PAGE) });
  const { code, said } = await forgetUser(url);
  assert.equal(code, 3, said);
  assert.match(said, /^It is not certain .*older one\. Deploy it, or give the user's id/);
});

test("no password or token goes anywhere unencrypted but on this machine", async () => {
  for (const url of ["http://auth.example.org", "http://localhost.example.org:8001", "http://10.0.0.1", "http://[::2]"]) {
    const { code, said } = await forgetUser(url);
    assert.equal(code, 1, said);
    assert.match(said, /^--url is http:.* make it https:\/\/\n$/);
  }
  for (const url of ["http://localhost:1", "http://127.0.0.2:1", "http://[::1]:1", "https://localhost:1"]) {
    assert.match((await forgetUser(url)).said, /^No answer from http/, url);
  }
  assert.match((await forgetUser("ftp://localhost")).said, /^--url is no address that begins with https:/);
});

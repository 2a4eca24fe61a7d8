// docs/guides/oauth2-proxy.md: the real oauth2-proxy with the page's flags, and the gateway with the page's routes, are
// asked the same. Every flag that the page names is one.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { startProvider } from "../../benches/oauth2/provider.mjs";
import { freePort } from "../../scripts/common/ports.mjs";
import { signUp } from "../support/person.mjs";
import { startProcess } from "../support/process.mjs";
import { startStack } from "../support/stack.mjs";
import { blocks } from "./readme.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const GUIDE = `${ROOT}docs/guides/oauth2-proxy.md`;
const [, VERSION] = /^OAUTH2_PROXY_VERSION=(\S+)$/m.exec(await readFile(`${ROOT}scripts/versions`, "utf8"));
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "authflow");
/** Where `scripts/setup --examples` puts it, if Go is new enough. */
const BINARY = join(CACHE, `oauth2-proxy-${VERSION}`, "bin/oauth2-proxy");
const skip = !existsSync(BINARY) && `oauth2-proxy ${VERSION} is not installed`;

/** A browser's navigation; nothing of `fetch`'s own is added to it. */
const BROWSER = { accept: "text/html", "accept-language": "en", "sec-fetch-mode": "navigate", "user-agent": "Browser/1" };
const PROGRAM = { accept: "application/json", "accept-language": "en", "user-agent": "Browser/1" };

function ask(url, { method = "GET", headers }) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    sent.on("error", reject).end();
  });
}

/** An application that answers with its name, and what it was asked and told. */
async function startApplication(name) {
  const server = createServer(({ url, headers }, response) => response.end(JSON.stringify({ name, url, headers })));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const stop = () => (server.closeAllConnections(), server.close());
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

describe("docs/guides/oauth2-proxy.md", { skip }, () => {
  const stops = [];
  const later = (started) => (stops.push(started.stop), started);
  let stack;
  let proxy;
  let ada;
  let cookies;

  before(async () => {
    stack = later(await startStack({ vars: { auth: { ANSWER_FLOOR_MS: "0" } } }));
    ada = await signUp(stack, { headers: PROGRAM, email: "ada@example.com" });
    const [main, reports] = [later(await startApplication("main")), later(await startApplication("reports"))];
    const here = (text) => text.replaceAll("http://127.0.0.1:9001", main.url).replaceAll("http://127.0.0.1:9002", reports.url);
    const [routes] = await blocks(GUIDE, "json");
    await stack.workers.verify.setVars({ ROUTES: here(routes) });
    proxy = later(await startProxy(here((await blocks(GUIDE, "sh"))[0])));
    cookies = { proxy: await signInAtProxy(), gateway: ada.cookie };
  });
  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  /** With the flags of `command`, but for what cannot be so here: the provider, addresses, and files with secrets. */
  async function startProxy(command) {
    const folder = await mkdtemp(join(tmpdir(), "authflow-oauth2-"));
    stops.push(() => rm(folder, { recursive: true }));
    const provider = later(await startProvider({ email: ada.email }));
    const file = async (name, content) => {
      await writeFile(join(folder, name), content, { mode: 0o600 });
      return join(folder, name);
    };
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const ours = {
      provider: "oidc",
      "oidc-issuer-url": provider.issuer,
      "client-id": "bench",
      "client-secret-file": await file("client", "bench"),
      "cookie-secret-file": await file("cookie", randomBytes(16).toString("hex")),
      "redis-connection-url": stack.redis.url,
      "redirect-url": `${url}/oauth2/callback`,
      "http-address": `127.0.0.1:${port}`,
      "cookie-secure": "false",
    };
    const found = [...command.matchAll(/--([a-z0-9-]+)=(?:'([^']*)'|(\S+))/g)];
    assert.ok(found.length > 10);
    const flags = found.map(([, name, quoted, word]) => [name, quoted ?? word]).filter(([name]) => !(name in ours));
    const args = [...flags, ...Object.entries(ours)].map(([name, value]) => `--${name}=${value}`);
    const { stop } = await startProcess(BINARY, args, { isReady: (line) => line.includes("OAuthProxy configured") });
    // It says so a moment before it listens.
    for (const late = Date.now() + 10_000; ; ) {
      const { status } = await ask(`${url}/ping`, { headers: {} }).catch(() => ({}));
      if (status === 200) return { url, stop };
      assert.ok(Date.now() < late, "oauth2-proxy does not listen");
    }
  }

  async function signInAtProxy() {
    const jar = new Map();
    let at = `${proxy.url}/`;
    for (let step = 0; step < 3; step += 1) {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
      const { status, headers } = await ask(at, { headers: { ...BROWSER, ...(cookie && { cookie }) } });
      assert.equal(status, 302, at);
      for (const line of headers["set-cookie"] ?? []) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
        jar.set(name, value);
      }
      at = new URL(headers.location, at).href;
    }
    return [...jar]
      .filter(([, value]) => value)
      .map(([name, value]) => `${name}=${value}`)
      .join("; ");
  }

  /** What came of a request: which application got it, or how it was refused. */
  function outcome({ status, headers, text }) {
    if (status === 302 || status === 303) return "sign-in";
    if (status !== 200) return String(status);
    const { name, url } = JSON.parse(text);
    assert.equal(headers["set-cookie"], undefined);
    return `${name} ${url}`;
  }

  /** The outcomes at both, of a request with both sessions or none. */
  async function both(path, { signedIn = false, headers, ...options } = {}) {
    const at = (base, cookie) => ask(base + path, { ...options, headers: { ...headers, ...(signedIn && { cookie }) } });
    const answers = [await at(proxy.url, cookies.proxy), await at(stack.gateway, cookies.gateway)];
    return answers.map(outcome);
  }

  const PATHS = ["/", "/x?q=1%20a", "/reports/", "/reports/2026", "/public/a", "/favicon.ico", "/publicity", "/favicon.ico/x"];

  it("lets the same requests pass without a session, to the same application", async () => {
    const passes = new Set(["/public/a", "/favicon.ico"]);
    for (const path of PATHS) {
      const [before, now] = await both(path, { headers: BROWSER });
      assert.equal(before, passes.has(path) ? `main ${path}` : "sign-in", path);
      assert.equal(now, before, path);
    }
  });

  it("lets a person with a session pass everywhere, to the same application, by the same path", async () => {
    for (const path of PATHS) {
      const [before, now] = await both(path, { signedIn: true, headers: PROGRAM });
      assert.equal(before, `${path.startsWith("/reports") ? "reports" : "main"} ${path}`);
      assert.equal(now, before);
    }
  });

  it("refuses a program with 401 where --api-route said so, and elsewhere too", async () => {
    assert.deepEqual(await both("/api/x", { headers: PROGRAM }), ["401", "401"]);
    assert.deepEqual(await both("/x", { headers: { ...PROGRAM, accept: "*/*" } }), ["sign-in", "401"]);
  });

  it("differs where the page says so", async () => {
    assert.deepEqual(await both("/public/form", { method: "POST", headers: BROWSER }), ["sign-in", "405"]);
    assert.deepEqual(await both("/public", { headers: BROWSER }), ["sign-in", "main /public"]);
    assert.deepEqual(await both("/public/..%2fapi/x", { headers: BROWSER }), ["sign-in", "400"]);
  });

  it("tells the application who asks, under the names that the page says, and believes no client that does", async () => {
    const forged = { ...PROGRAM, "x-forwarded-email": "eve@example.com", "x-user-email": "eve@example.com" };
    const told = async (base, cookie) => JSON.parse((await ask(`${base}/x`, { headers: { ...forged, cookie } })).text).headers;
    const [before, now] = [await told(proxy.url, cookies.proxy), await told(stack.gateway, cookies.gateway)];
    assert.equal(before["x-forwarded-email"], ada.email);
    assert.equal(now["x-user-email"], ada.email);
    assert.equal(now["x-user-id"], ada.id);
    assert.equal(now["x-forwarded-email"], undefined);
    assert.deepEqual([before["x-forwarded-user"], now["x-forwarded-user"]], ["bench", undefined]);
    // The names of others that a client makes up, and the session's own cookie, reach the application by one of them alone.
    assert.deepEqual([before["x-user-email"], before.cookie], ["eve@example.com", cookies.proxy]);
    assert.ok(!JSON.stringify(now).includes("eve@"), JSON.stringify(now));
    assert.equal(now.cookie, undefined);
  });

  it("names no flag that oauth2-proxy has not", async () => {
    const { stdout, stderr } = spawnSync(BINARY, ["--help"], { encoding: "utf8" });
    const known = new Set([...(stdout + stderr).matchAll(/^\s+--([a-z0-9-]+)/gm)].map(([, name]) => name));
    const named = new Set([...(await readFile(GUIDE, "utf8")).matchAll(/--([a-z0-9-]{3,})/g)].map(([, name]) => name));
    assert.ok(known.size > 150 && named.size > 80, `${known.size}, ${named.size}`);
    assert.deepEqual(
      [...named].filter((name) => !known.has(name)),
      [],
    );
  });
});

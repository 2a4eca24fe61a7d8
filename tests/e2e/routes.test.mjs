// What routes ask for: cross-origin use, body sizes, escapes, several origins, and answers that caches must not share.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { freePort } from "../../scripts/common/ports.mjs";
import { signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

const SPA = "https://spa.example";

let stack;
let person;
before(async () => {
  stack = await startStack();
  const route = (id, more) => ({ id, path: `/${id}/*`, upstream: stack.origin, ...more });
  const open = (id, more) => route(id, { access: "public", ...more });
  const nobody = `http://127.0.0.1:${await freePort()}`;
  await stack.workers.verify.setVars({
    ROUTES: JSON.stringify([
      open("public"),
      route("app"),
      route("cors", { cors: { origins: [SPA], expose: ["x-request-id"] } }),
      open("open-cors", { cors: ["*"] }),
      open("small", { max_body_bytes: 1000 }),
      route("encoded", { allow_encoded: ["%2f"] }),
      open("stripped", { strip_prefix: true }),
      open("several", { upstream: [nobody, stack.origin] }),
      open("nobody", { upstream: nobody }),
      open("kept", { keep_headers: ["X-Original-URL"] }),
    ]),
  });
  person = await signUp(stack);
});
after(() => stack?.stop());

function visit(path, headers = {}, init = {}) {
  return fetch(stack.gateway + path, { headers, redirect: "manual", ...init });
}

/** How often the origin was asked while `action` ran. */
async function originRequests(action) {
  const before = await stack.companions.origin.requests();
  await action();
  return (await stack.companions.origin.requests()) - before;
}

function cors({ headers }) {
  return Object.fromEntries([...headers].filter(([name]) => name.startsWith("access-control-")));
}

describe("a route that speaks of cross-origin use", () => {
  it("answers a preflight without a session and without the origin", async () => {
    const asks = { origin: SPA, "access-control-request-method": "PUT", "access-control-request-headers": "x-a" };
    const sent = await originRequests(async () => {
      const response = await visit("/cors/x", asks, { method: "OPTIONS" });
      assert.equal(response.status, 204);
      assert.deepEqual(cors(response), {
        "access-control-allow-origin": SPA,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "x-request-id",
        "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
        "access-control-allow-headers": "x-a",
        "access-control-max-age": "600",
      });
      assert.match(response.headers.get("vary"), /Origin/);
    });
    assert.equal(sent, 0);
  });

  it("lets its pages read refusals and answers, in place of the origin's word", async () => {
    const said = {
      "access-control-allow-origin": SPA,
      "access-control-allow-credentials": "true",
      "access-control-expose-headers": "x-request-id",
    };
    const refused = await visit("/cors/x", { origin: SPA });
    assert.equal(refused.status, 401);
    assert.deepEqual(cors(refused), said);
    const path = "/cors/_demo?header=access-control-allow-origin:*";
    const passed = await visit(path, { origin: SPA, cookie: person.cookie });
    assert.equal(passed.status, 200);
    assert.deepEqual(cors(passed), said);
    const elsewhere = await visit(path, { origin: "https://evil.example", cookie: person.cookie });
    assert.equal(elsewhere.status, 200);
    assert.equal(elsewhere.headers.get("access-control-allow-origin"), null);
  });

  it("may be for every origin, without credentials", async () => {
    const response = await visit("/open-cors/x", { origin: "https://any.example" });
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
    assert.equal(response.headers.get("access-control-allow-credentials"), null);
  });
});

describe("a route with a largest body", () => {
  const send = (body) =>
    visit("/small/x", {}, { method: "POST", body, ...(typeof body === "string" ? {} : { duplex: "half" }) });

  it("takes what is not longer", async () => {
    const response = await send("a".repeat(1000));
    assert.equal(response.status, 200);
    assert.equal((await response.json()).body.length, 1000);
  });

  it("refuses what says that it is longer, and the origin hears nothing", async () => {
    const sent = await originRequests(async () => {
      const response = await send("a".repeat(1001));
      assert.equal(response.status, 413);
      assert.equal((await response.json()).code, "payload_too_large");
    });
    assert.equal(sent, 0);
  });

  it("cuts off what does not say how long it is", async () => {
    const chunks = (count) =>
      new ReadableStream({
        pull(controller) {
          if (count-- > 0) controller.enqueue(new Uint8Array(100).fill(97));
          else controller.close();
        },
      });
    const whole = await send(chunks(10));
    assert.equal(whole.status, 200);
    assert.equal((await whole.json()).body.length, 1000);
    const longer = await send(chunks(11));
    assert.equal(longer.status, 413);
    assert.equal((await longer.json()).code, "payload_too_large");
  });
});

describe("a route's path", () => {
  it("keeps an escape that the route allows, and the origin gets it", async () => {
    const response = await visit("/encoded/a%2fb", { cookie: person.cookie });
    assert.equal((await response.json()).path, "/encoded/a%2Fb");
    for (const path of ["/encoded/a%5cb", "/encoded/..%2fapp", "/app/a%2fb", "/public/a%2fb"]) {
      const refused = await visit(path, { cookie: person.cookie });
      assert.equal(refused.status, 400, path);
    }
  });

  it("reaches the origin without the prefix where the route strips it", async () => {
    for (const [path, expected] of [
      ["/stripped/a/b?c", "/a/b"],
      ["/stripped", "/"],
      ["/stripped/", "/"],
    ]) {
      assert.equal((await (await visit(path)).json()).path, expected, path);
    }
  });
});

describe("a route's origins", () => {
  it("stand in for each other, for safe requests", async () => {
    const all = await Promise.all(Array.from({ length: 6 }, () => visit("/several/x")));
    assert.deepEqual(
      all.map(({ status }) => status),
      [200, 200, 200, 200, 200, 200],
    );
  });

  it("are asked again after a broken connection, once the request is safe and has no body", async () => {
    await stack.companions.origin.fault({ drop: true, count: 1 });
    const sent = await originRequests(async () => assert.equal((await visit("/public/x")).status, 200));
    assert.equal(sent, 2);
    await stack.companions.origin.fault({ drop: true, count: 1 });
    const once = await originRequests(async () => {
      assert.equal((await visit("/public/x", {}, { method: "POST", body: "a" })).status, 502);
    });
    assert.equal(once, 1);
    await stack.companions.origin.heal();
  });

  it("that are all away are 502, and a log line tells each try", async () => {
    const response = await visit("/nobody/x");
    assert.equal(response.status, 502);
    const { code, request_id } = await response.json();
    assert.equal(code, "upstream_unreachable");
    await stack.logs.find((record) => record.msg === "request" && record.request_id === request_id);
    const tries = stack.logs.records.filter((record) => record.msg === "origin_retried" && record.request_id === request_id);
    assert.equal(tries.length, 2);
  });
});

describe("what passes between client and origin", () => {
  it("includes a reserved header where the route keeps it, in its own spelling alone", async () => {
    const sent = { "x-original-url": "/a", x_original_url: "/b", "x-rewrite-url": "/c" };
    const { headers } = await (await visit("/kept/x", sent)).json();
    const kept = headers.filter(([name]) => /^x.(original|rewrite).url$/.test(name));
    assert.deepEqual(kept, [["x-original-url", "/a"]]);
  });

  it("is never for shared caches where it depends on a session", async () => {
    const path = (id) =>
      `/${id}/_demo?cache-control=public,max-age%3D60&header=cdn-cache-control:max-age%3D60&header=vary:Accept`;
    const own = await visit(path("app"), { cookie: person.cookie });
    assert.equal(own.headers.get("cache-control"), "private, max-age=60");
    assert.equal(own.headers.get("cdn-cache-control"), null);
    assert.equal(own.headers.get("vary"), "Accept, Authorization, Cookie");
    const everybodys = await visit(path("public"));
    assert.equal(everybodys.headers.get("cache-control"), "public,max-age=60");
    assert.equal(everybodys.headers.get("cdn-cache-control"), "max-age=60");
    assert.equal(everybodys.headers.get("vary"), "Accept");
  });
});

describe("the keys of the assertion", () => {
  it("are published for everybody, without what signs", async () => {
    const response = await visit("/.well-known/authflow/jwks.json");
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("cache-control"), "public, max-age=300");
    const { keys } = await response.json();
    assert.deepEqual(Object.keys(keys[0]).sort(), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
  });
});

// Odd bytes from either side: no crash, an honest answer, and the next request is served.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";

import { startWorld, told, values } from "./world.mjs";

let world;
let echo;
before(async () => {
  world = await startWorld();
  echo = world.serveEcho();
});
after(() => world?.stop());

afterEach(async () => {
  const answer = await world.exchange("POST", echo, ["Content-Length: 4"], "next");
  assert.equal(answer.status, 200, answer.body);
  assert.equal(told(answer).body, "next");
});

/** An origin that answers with these header lines, and a body. */
function answerWith(...lines) {
  return world.serveBytes(["HTTP/1.1 200 OK", ...lines, "Content-Length: 2", "", "ok"].join("\r\n"));
}

/** The bytes of `text` in UTF-8, as the wire's Latin-1 strings hold them. */
const utf8 = (text) => Buffer.from(text).toString("latin1");

describe("an origin's answer that is none gives 502", () => {
  async function assertRefused(path, method = "GET") {
    const lines = method === "POST" ? ["Content-Length: 1"] : [];
    const answer = await world.exchange(method, path, lines, method === "POST" ? "x" : "");
    assert.equal(answer.status, 502);
    const problem = JSON.parse(answer.body);
    assert.match(problem.code, /^upstream_(invalid|unreachable)$/);
    assert.deepEqual(values(answer.headers, "x-request-id"), [problem.request_id]);
    const line = await world.stack.logs.find(({ msg, request_id }) => msg === "request" && request_id === problem.request_id);
    assert.equal(line.status, 502);
    assert.equal(line.outcome, problem.code);
  }

  for (const status of ["600", "999", "1000", "199", "102", "100", "099", "000", "20", "abc"]) {
    it(`for its status ${status}`, async () => {
      const path = world.serveBytes(`HTTP/1.1 ${status} Odd\r\nContent-Length: 2\r\nX-Odd: yes\r\n\r\nok`);
      await assertRefused(path);
      await assertRefused(path, "POST");
    });
  }

  it("for it switches protocols unasked", async () => {
    for (const protocol of ["websocket", "h2c"]) {
      const head = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;
      await assertRefused(world.serveBytes(head, "bytes"));
    }
  });

  for (const [what, bytes] of Object.entries({
    "not HTTP": "SSH-2.0-OpenSSH_9.9\r\n\r\n",
    nothing: "",
    "half a head": "HTTP/1.1 200 OK\r\nContent-Le",
    "two lengths": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "no length": "HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok",
    "a line that is no header": "HTTP/1.1 200 OK\r\nodd\r\nContent-Length: 2\r\n\r\nok",
    "a header with NUL": "HTTP/1.1 200 OK\r\nX-Odd: a\0b\r\nContent-Length: 2\r\n\r\nok",
    "a header folded to two lines": "HTTP/1.1 200 OK\r\nX-Odd: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
  })) {
    it(`for it is ${what}`, async () => assertRefused(world.serveBytes(bytes)));
  }
});

describe("an origin's answer that is unusual", () => {
  it("passes after informational ones, which do not", async () => {
    for (const line of ["100 Continue", "102 Processing", "103 Early Hints\r\nLink: </style.css>; rel=preload"]) {
      const path = world.serveBytes(`HTTP/1.1 ${line}\r\n\r\n`, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      const answer = await world.exchange("GET", path);
      assert.equal(answer.status, 200);
      assert.equal(answer.body, "ok");
      assert.deepEqual(values(answer.headers, "link"), []);
    }
  });

  it("passes in HTTP/1.0, up to the connection's end", async () => {
    const answer = await world.exchange("GET", world.serveBytes("HTTP/1.0 200 OK\r\n\r\nold"));
    assert.equal(answer.status, 200);
    assert.match(answer.body, /old/);
  });

  it("passes with a reason phrase that is not ASCII", async () => {
    const path = world.serveBytes(`HTTP/1.1 200 ${utf8("in Ordnung ☃")} \xfc\r\nContent-Length: 2\r\n\r\nok`);
    const answer = await world.exchange("GET", path);
    assert.equal(answer.status, 200);
    assert.equal(answer.body, "ok");
  });
});

describe("a header value that is not ASCII", () => {
  const odd = {
    "in Latin-1": "caf\xe9 \x80\xff",
    "in UTF-8": utf8("café ☃ 😀"),
    "neither whole nor UTF-8": "\xc3 \xf0\x9f",
    "with control characters": "a\tb\x07c\x7fd",
  };
  for (const [what, value] of Object.entries(odd)) {
    it(`passes byte for byte from the client: ${what}`, async () => {
      const request = told(await world.exchange("GET", echo, [`X-Odd: ${value}`, `Referer: ${value}`]));
      assert.deepEqual(values(request.headers, "x-odd"), [value]);
      assert.deepEqual(values(request.headers, "referer"), [value]);
    });

    it(`passes byte for byte from the origin: ${what}`, async () => {
      const answer = await world.exchange("GET", answerWith(`X-Odd: ${value}`, `Set-Cookie: a=${value}`, "Set-Cookie: b=1"));
      assert.equal(answer.status, 200);
      assert.equal(answer.body, "ok");
      assert.deepEqual(values(answer.headers, "x-odd"), [value]);
      assert.deepEqual(values(answer.headers, "set-cookie"), [`a=${value}`, "b=1"]);
    });
  }

  /** What the origin gets of a cookie beside ours. */
  async function cookieBesideOurs(cookie) {
    const { cookie: ours, ...others } = world.headers;
    const answer = await world.exchange("GET", echo, [], "", { ...others, cookie: `${cookie}; ${ours}` });
    assert.equal(answer.status, 200, answer.body);
    return values(told(answer).headers, "cookie");
  }

  it("passes in a cookie beside ours, if it is UTF-8; the runtime shows other bytes as U+FFFD", async () => {
    assert.deepEqual(await cookieBesideOurs(`a=${odd["in UTF-8"]}`), [`a=${odd["in UTF-8"]}`]);
    assert.deepEqual(await cookieBesideOurs("a=caf\xe9"), [`a=${utf8("caf\ufffd")}`]);
  });

  it("passes in a Set-Cookie beside one that may not set ours, likewise", async () => {
    const planted = "Set-Cookie: __Host-authflow=evil; Path=/; Secure";
    const path = answerWith(`Set-Cookie: a=${odd["in UTF-8"]}`, planted, "Set-Cookie: b=caf\xe9", "Set-Cookie: c=1");
    const answer = await world.exchange("GET", path);
    assert.deepEqual(values(answer.headers, "set-cookie"), [`a=${odd["in UTF-8"]}`, `b=${utf8("caf\ufffd")}`, "c=1"]);
  });

  it("is refused by the runtime where it could end a line", async () => {
    for (const value of ["a\0b", "a\rb", "a\r\n b"]) {
      const answer = await world.exchange("GET", echo, [`X-Odd: ${value}`]);
      assert.equal(answer.status, 400, JSON.stringify(value));
    }
  });
});

describe("many and large headers", () => {
  const many = Array.from({ length: 60 }, (_, index) => [`x-many-${index}`, `value ${index}`]);
  const huge = [["x-large", "l".repeat(30 * 1024)]];
  const cookies = Array.from({ length: 50 }, (_, index) => ["set-cookie", `c${index}=${"v".repeat(200)}; Path=/${index}`]);
  const lines = (headers) => headers.map(([name, value]) => `${name}: ${value}`);
  const kept = (headers) => headers.filter(([name]) => /^x-many|^x-large|^set-cookie/.test(name));
  const sorted = (headers) => headers.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

  const both = [...many, ...huge];
  for (const [what, headers] of Object.entries({ "60 headers": many, "one of 30 KB": huge, "60 and one of 30 KB": both })) {
    it(`pass from the client: ${what}`, async () => {
      const request = told(await world.exchange("GET", echo, lines(headers)));
      assert.deepEqual(sorted(kept(request.headers)), sorted(headers));
    });
  }

  const all = [...both, ...cookies];
  for (const [what, headers] of Object.entries({ "60 headers": many, "one of 30 KB": huge, "all, and 50 Set-Cookie": all })) {
    it(`pass from the origin: ${what}`, async () => {
      const answer = await world.exchange("GET", answerWith(...lines(headers)));
      assert.equal(answer.body, "ok");
      assert.deepEqual(sorted(kept(answer.headers)), sorted(headers));
    });
  }

  it("that no runtime takes are refused, honestly, on either side", async () => {
    const line = `x-large: ${"l".repeat(2 * 1024 * 1024)}`;
    const up = await world.exchange("GET", echo, [line]);
    assert.ok(up.status === 431 || up.status === 400, `status ${up.status}`);
    const down = await world.exchange("GET", answerWith(line));
    assert.equal(down.status, 502, down.body.slice(0, 300));
  });
});

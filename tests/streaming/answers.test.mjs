// Answers are the origin's: status, redirects and cookies are for the client.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { bytesOf, startWorld, values } from "./world.mjs";

let world;
before(async () => {
  world = await startWorld();
});
after(() => world?.stop());

describe("an answer", () => {
  it("passes with its status and its body", async () => {
    for (const status of [200, 201, 203, 400, 401, 403, 404, 409, 418, 429, 451, 500, 502, 503, 504, 511, 599]) {
      const path = world.serve((request, response) => response.writeHead(status).end(`status ${status}`));
      const answer = await world.ask(path).answer;
      assert.equal(answer.statusCode, status);
      assert.equal(String(await bytesOf(answer)), `status ${status}`);
    }
  });

  it("passes with each Set-Cookie by itself, in order", async () => {
    const cookies = ["a=1", "b=2; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "a=3", 'c="x, y"; HttpOnly'];
    const path = world.serve((request, response) => response.writeHead(200, { "set-cookie": cookies }).end());
    const { headers } = await world.ask(path).answer;
    assert.deepEqual(headers["set-cookie"], cookies);
  });
});

describe("a redirect", () => {
  for (const status of [301, 302, 303, 307, 308]) {
    for (const method of ["GET", "POST"]) {
      it(`by ${status} of a ${method} is the client's to follow, its Location untouched`, async () => {
        let followed = 0;
        const target = world.serve((request, response) => {
          followed += 1;
          response.end();
        });
        const locations = [
          target,
          `${target}?a=%2F..&b=c d#e`,
          "//elsewhere.example/x",
          "https://ELSEWHERE.example:443/a/../b",
          "../up",
          "?q",
        ];
        for (const location of locations) {
          let asked = 0;
          const path = world.serve(async (request, response) => {
            asked += 1;
            assert.equal(request.method, method);
            assert.equal(String(await bytesOf(request)), method === "POST" ? "form" : "");
            response.writeHead(status, { location }).end("moved");
          });
          const [lines, body] = method === "POST" ? [["Content-Length: 4"], "form"] : [[], ""];
          const answer = await world.exchange(method, path, lines, body);
          assert.equal(answer.status, status);
          assert.deepEqual(values(answer.headers, "location"), [location]);
          assert.match(answer.body, /moved/);
          assert.equal(asked, 1);
        }
        assert.equal(followed, 0);
      });
    }
  }
});

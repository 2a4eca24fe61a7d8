// Any instance serves any request: what one of them knows, all do.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { PlainClient } from "./client.mjs";
import { DEVICE, signIn, signOut, signUp } from "./person.mjs";
import { AS_NGINX, startWorld } from "./world.mjs";

const METRICS = { authorization: "Bearer for-tests-only-metrics-token" };
/** Counts arrive within half a second here, unless the machine has much to do. */
const COUNTED_WITHIN_MS = 20_000;

let world;
let people;
before(async () => {
  world = await startWorld();
  people = new PlainClient(world.https, world.certificate, { keepAlive: true });
});
after(async () => {
  people?.close();
  await world?.stop();
});

/** What one gateway answers, asked as nginx would. */
function direct(gateway, path, { token, headers, method = "GET" } = {}) {
  const signed = token && { authorization: `Bearer ${token}` };
  return new PlainClient(gateway).send(method, path, { headers: { ...DEVICE, ...AS_NGINX, ...signed, ...headers } });
}

const statuses = async (path, token) =>
  Promise.all(world.gateways.map(async (one) => (await direct(one, path, { token })).status));

describe("a session", () => {
  it("that one sign-in opened is known to every gateway, and to who comes through nginx", async () => {
    const ada = await signUp(world, world.auths[0]);
    assert.deepEqual(await statuses("/app/x", ada.token), [200, 200, 200]);
    const { status, text } = await people.send("GET", "/app/x", {
      headers: { ...DEVICE, authorization: `Bearer ${ada.token}` },
    });
    assert.equal(status, 200);
    assert.equal(new Map(JSON.parse(text).headers).get("x-user-id"), ada.id);
  });

  it("that ended at another sign-in is refused by every gateway from then on", async () => {
    const ada = await signUp(world, world.auths[0]);
    const other = await signIn(ada, world.auths[1]);
    await signOut(ada, world.auths[1]);
    assert.deepEqual(await statuses("/app/x", ada.token), [401, 401, 401]);
    assert.deepEqual(await statuses("/app/x", other.token), [200, 200, 200]);
  });
});

describe("a limit that is exact", () => {
  it("is one for all gateways together", async () => {
    const ada = await signUp(world, world.auths[0]);
    const got = [];
    for (let sent = 0; sent < 7; sent += 1) {
      got.push((await direct(world.gateways[sent % world.gateways.length], "/counted/x", { token: ada.token })).status);
    }
    assert.deepEqual(got, [200, 200, 200, 200, 200, 429, 429]);
  });
});

describe("metrics", () => {
  const SERIES = 'authflow_requests_total{service="verify",route="public",method="PUT",status="200"}';

  it("are sums over all gateways, whichever is asked", async () => {
    const counts = [3, 5, 7];
    for (const [at, gateway] of world.gateways.entries()) {
      for (let sent = 0; sent < counts[at]; sent += 1) {
        await direct(gateway, "/public/x", { method: "PUT" });
      }
    }
    const read = async (gateway) => {
      const { text } = await direct(gateway, "/metrics", { headers: METRICS });
      return Number(
        text
          .split("\n")
          .find((line) => line.startsWith(SERIES))
          ?.split(" ")
          .at(-1) ?? 0,
      );
    };
    const deadline = Date.now() + COUNTED_WITHIN_MS;
    let sums;
    do {
      await sleep(100);
      sums = await Promise.all(world.gateways.map(read));
    } while (sums.some((sum) => sum < 15) && Date.now() < deadline);
    assert.deepEqual(sums, [15, 15, 15]);
  });

  it("are not for who comes from outside", async () => {
    for (const path of ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/auth/../metrics"]) {
      const { status, text } = await people.send("GET", path, { headers: METRICS });
      assert.ok(status === 404 || status === 400, `${path}: ${status}`);
      assert.doesNotMatch(text, /authflow_requests_total/);
    }
    const inside = await fetch(`${world.inner.verify}/metrics`, { headers: METRICS });
    assert.equal(inside.status, 200);
  });
});

describe("the sign-in page", () => {
  const BROWSER = { "sec-fetch-mode": "navigate", accept: "text/html", "accept-language": "de" };

  it("is shown as it was kept while no sign-in answers", async () => {
    const [gateway] = world.gateways;
    const led = await direct(gateway, "/app/x", { headers: BROWSER });
    assert.equal(led.status, 302);
    assert.match(led.headers.location, /\/auth\/signin\?/);
    const pids = await Promise.all(["auth-1", "auth-2"].map(world.pid));
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    try {
      // What is known of it is as much as ten seconds old.
      const deadline = Date.now() + 20_000;
      let shown;
      do {
        await sleep(250);
        shown = await direct(gateway, "/app/x", { headers: BROWSER });
      } while (shown.status !== 503 && Date.now() < deadline);
      assert.equal(shown.status, 503);
      assert.match(shown.text, /<html lang="de"/);
      assert.match(shown.text, /type="password"/);
    } finally {
      for (const pid of pids) process.kill(pid, "SIGCONT");
    }
  });
});

describe("the chores", () => {
  it("are done by a POST, and are nothing that nginx leads to", async () => {
    const url = `http://${world.plan.chores[0]}`;
    assert.equal((await direct(url, "/", { method: "POST" })).status, 200);
    assert.equal((await direct(url, "/")).status, 405);
    const [, , state, ...restarts] = (await world.status()).find(([name]) => name === "chores");
    assert.deepEqual(
      [state, restarts.join(" "), world.log("chores")],
      ["ready", "started again 0 times", ""],
      "a call that fails is logged",
    );
  });
});

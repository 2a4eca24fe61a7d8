// A person who is signed in, on as many devices as are asked for.

import { createHmac, randomUUID } from "node:crypto";

import { outbox } from "../../tests/support/local.mjs";
import { signUp } from "../../tests/support/person.mjs";
import { startWorker } from "../../tests/support/worker.mjs";
import { cookieHeader, DEVICE } from "./browser.mjs";

/** How many are written to Redis before the first reply is awaited. */
const AT_ONCE = 1_000;

/**
 * Signs a person up at the real auth worker, with the browser's own headers. `cookies(count)` gives that many `Cookie`
 * headers, each with a session of its own: what the worker wrote to Redis once, written again under further ids. With
 * `age`, they began that many seconds ago.
 */
export async function signedIn({ redis, urls, vars }) {
  const auth = await startWorker({ service: "auth", vars });
  let person;
  try {
    const stack = { auth: auth.url, outbox: () => outbox(urls.supabase) };
    person = await signUp(stack, { headers: DEVICE });
  } finally {
    await auth.stop();
  }
  const record = JSON.parse(await redis.command("GET", `session:${person.sessionId}`));
  const token = (id) => {
    const mac = createHmac("sha256", vars.SESSION_SECRET).update(id).digest().subarray(0, 16);
    return `${id}.${mac.toString("base64url")}`;
  };
  if (token(person.sessionId) !== person.token) throw new Error("the auth worker makes other tokens than the benchmark");
  return {
    id: person.id,
    email: person.email,
    async cookies(count, { age = 0 } = {}) {
      const ids = Array.from({ length: count }, () => randomUUID());
      const session = JSON.stringify({ ...record, created_at: record.created_at - age });
      const write = (id) => [
        redis.command("SET", `session:${id}`, session, "EX", 3600),
        redis.command("SET", `user_id:${id}`, person.id, "EX", 7200),
      ];
      for (let at = 0; at < count; at += AT_ONCE) await Promise.all(ids.slice(at, at + AT_ONCE).flatMap(write));
      return ids.map((id) => cookieHeader(`__Host-authflow=${token(id)}`));
    },
    /** A token of the right shape whose MAC is another's. */
    forged: cookieHeader(`__Host-authflow=${randomUUID()}.${token(randomUUID()).split(".")[1]}`),
  };
}

// Workers that break: by a trap, or by a configuration that they cannot read.

import { randomBytes } from "node:crypto";

import { newEmail, newPassword, somebody } from "./steps.mjs";
import { collectVariables, someSecrets } from "./world.mjs";

/** A gateway that traps while others wait in it. */
async function trap(world) {
  const { url } = await world.startOther("verify", { folder: "build/verify-hooks" });
  const { cookie, token } = await somebody(world, "trap");
  await world.companions.bridge.fault({ latency_ms: 1500, count: 3 });
  const waiting = [0, 1, 2].map(() => fetch(`${url}/app/x?mail=${newEmail("trap")}`, { headers: { cookie } }));
  const hook = (name) => fetch(`${url}/health?token=${token}`, { headers: { cookie, "x-test-hook": name } });
  while ((await (await hook("memory")).json()).waiting < waiting.length);
  await Promise.all([...waiting, hook("trap")]);
  await world.companions.bridge.heal();
}

/** For each secret a value that has a fault, and URLs that hold what they should not. */
export function badVariables() {
  const good = someSecrets();
  const secret = () => randomBytes(12).toString("hex");
  const url = () => `https://${secret()}:${secret()}@host.test`;
  const [first, second] = JSON.parse(good.ASSERTION_KEYS);
  const inHalf = (value) => `${value.slice(0, 20)} ${value.slice(20)}`;
  return {
    secrets: {
      UPSTASH_REDIS_REST_TOKEN: inHalf(good.UPSTASH_REDIS_REST_TOKEN),
      SESSION_SECRET: `${good.SESSION_SECRET},short-${secret().slice(8)}`,
      FINGERPRINT_SECRET: `${good.FINGERPRINT_SECRET},short-${secret().slice(8)}`,
      SUPABASE_SERVICE_ROLE_KEY: inHalf(good.SUPABASE_SERVICE_ROLE_KEY),
      SUPABASE_ANON_KEY: inHalf(good.SUPABASE_ANON_KEY),
      METRICS_TOKEN: inHalf(good.METRICS_TOKEN),
      OTLP_HEADERS: good.OTLP_HEADERS.replace("=", ":"),
      FERNET_KEYS: `${good.FERNET_KEYS},short-${secret()}`,
      ASSERTION_KEYS: JSON.stringify([first, { ...second, d: second.d.slice(1) }, { ...first, x: undefined }, first]),
      NEW_DEVICE_HOOK_SECRET: good.NEW_DEVICE_HOOK_SECRET.slice("whsec_".length),
    },
    urls: {
      GATEWAY_URL: url(),
      AUTH_URL: url(),
      UPSTASH_REDIS_REST_URL: `https://host.test/?token=${secret()}`,
      SUPABASE_URL: `https://host.test/?apikey=${secret()}`,
      OTLP_URL: `https://host.test/?key=${secret()}`,
      NEW_DEVICE_HOOK_URL: `${url()}/#${secret()}`,
      ROUTES: JSON.stringify([{ id: "a", path: "/a", upstream: url() }]),
    },
  };
}

/** Both workers under a configuration in which everything is wrong that can be, told all at once. */
async function configurations(world) {
  const { secrets, urls } = badVariables();
  collectVariables(world.collected, secrets);
  for (const value of Object.values(urls)) world.collected.take("variable", value);
  // A list that is cut off could be shown where it ends.
  const cut = { ...secrets, ASSERTION_KEYS: secrets.ASSERTION_KEYS.slice(0, -60), ROUTES: urls.ROUTES.slice(0, -2) };
  for (const changes of [{ ...secrets, ...urls }, cut]) {
    for (const service of ["verify", "auth"]) {
      const { url } = await world.startOther(service, { changes });
      const cookie = `__Host-authflow=${newPassword()}`;
      const response = await fetch(`${url}/app/x?key=${newPassword()}`, { headers: { cookie } });
      if (response.status !== 500) throw new Error(`${service} is content: ${response.status}`);
    }
  }
}

export const BREAKAGE = { "a trap": trap, "faulty configurations": configurations };

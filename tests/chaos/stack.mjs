// The stack of a run: the workers as they are deployed, two gateways, and stores that survive a kill.

import { freePort } from "../../scripts/common/ports.mjs";
import { startStack } from "../support/stack.mjs";
import { UNLIMITED } from "../support/vars.mjs";
import { ORIGIN_MS } from "./bounds.mjs";

/** `breakerMs` is for how long a breaker stays open; undefined as deployed. */
export async function startChaosStack({ breakerMs, onLog, database }) {
  const ports = { origin: await freePort() };
  const route = (id, fields = {}) => ({
    id,
    path: `/${id}/*`,
    upstream: `http://localhost:${ports.origin}`,
    timeout_ms: ORIGIN_MS,
    ...fields,
  });
  const routes = [route("app"), route("backend"), route("public", { access: "public" })];
  const stack = await startStack({
    asDeployed: true,
    redisDurable: true,
    database,
    ports,
    onLog,
    vars: {
      both: breakerMs && { BREAKER_OPEN_MS: String(breakerMs) },
      verify: { ROUTES: JSON.stringify(routes), SERVER_TIMING: "1" },
      auth: UNLIMITED,
    },
  });
  try {
    // An isolate that others know more than: it gets but a few requests, and may sleep through a fault.
    const other = await stack.startAnother("verify");
    return { ...stack, gateways: [stack.gateway, other.url] };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

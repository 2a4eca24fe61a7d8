// A walk through every page in each of its states, for tests that look at all of them, and for pictures.

import { launchBrowser } from "../browser.mjs";
import { startStack } from "../stack.mjs";
import { account } from "./account.mjs";
import { admin } from "./admin.mjs";
import { entry } from "./entry.mjs";
import { factors } from "./factors.mjs";
import { gateway } from "./gateway.mjs";

/** The ways of the tour, by name; each begins anew, and none takes anything from another. */
export const WAYS = { entry, factors, account, admin, gateway };

/** More than anybody needs on the tour. */
const SIGN_INS = 8;

/** A stack in which every page can be reached. */
export async function startTourStack({ vars = {} } = {}) {
  const limits = { SIGNIN_LIMIT_ACCOUNT: `${SIGN_INS}/900` };
  const stack = await startStack({
    vars: {
      both: { REDIS_TIMEOUT_MS: "5000", ...vars.both },
      auth: { ANSWER_FLOOR_MS: "0", PHONE_FACTORS: "1", ...limits, ...vars.auth },
    },
  });
  try {
    const upstream = stack.origin;
    const routes = [
      { id: "app", path: "/app/*", upstream },
      { id: "safe", path: "/safe/*", upstream, aal: "aal2" },
      { id: "staff", path: "/staff/*", upstream, roles: ["staff"] },
      { id: "few", path: "/few/*", upstream, access: "public", rate_limit: { requests: 1, seconds: 3600 } },
      { id: "gone", path: "/gone/*", upstream: "http://localhost:1", access: "public" },
    ];
    await stack.workers.verify.setVars({ ROUTES: JSON.stringify(routes) });
    await stack.control("/config", { mfa_phone: true });
    return { ...stack, signInsBeforeLimit: SIGN_INS };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

/**
 * Goes all of `way`, in a browser whose contexts have `options`, and calls `look(page, name)` at each state of a page;
 * `opened(page)` before anything is loaded in one.
 */
export async function walk(way, { stack, browser, options, look, opened = () => {} }) {
  const contexts = [];
  const open = async () => {
    const context = await browser.newContext({ locale: "en-US", ...options });
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    opened(page);
    return page;
  };
  /** Looks once `marker` is there, which tells this state from others. */
  const at = async (page, name, marker) => {
    await page.locator(marker).first().waitFor({ state: "attached" });
    await look(page, name);
  };
  try {
    await way({ stack, open, at });
  } finally {
    for (const context of contexts) await context.close();
  }
}

export { launchBrowser };

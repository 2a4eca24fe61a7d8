// `scripts/deploy` when something goes wrong: at each step, what served before serves again.

import assert from "node:assert/strict";
import { test } from "node:test";

import { WELL } from "./edge.mjs";
import { AUTH, startWorld, VERIFY } from "./world.mjs";

const UNWELL = (version) => {
  const { body } = WELL(version);
  return { status: 503, body: { ...body, status: "unavailable", checks: { redis: { status: "unavailable", latency_ms: 1 } } } };
};
const post = (name, rest) => new RegExp(`^POST .*/scripts/${name}${rest}$`);
const ALWAYS = { count: Infinity };
const AUTH_ROUTE = '  { pattern = "app.example.com/auth/*", zone_name = "example.com" },';
/** One route and one cron more. */
const MORE = [
  [AUTH_ROUTE, `${AUTH_ROUTE}\n  { pattern = "login.example.com/*", zone_name = "example.com" },`],
  ['[env.auth.triggers]\ncrons = ["* * * * *"]', '[env.auth.triggers]\ncrons = ["* * * * *", "0 3 * * *"]'],
];

/** What goes wrong, what is told of it, and what is changed in wrangler.toml for it. Everything is as before in the end. */
const STEPS = {
  "the upload of auth": [
    ({ api }) => api.fault(post(AUTH, "/versions"), { status: 400, ...ALWAYS }),
    /Nothing was changed for anybody/,
  ],
  "the upload of the gateway": [
    ({ api }) => api.fault(post(VERIFY, "/versions"), { status: 400, ...ALWAYS }),
    /Nothing was changed for anybody/,
  ],
  "auth's version beside the old one": [({ api }) => api.fault(post(AUTH, "/deployments")), /What served before serves again/],
  "the gateway's version beside the old one": [
    ({ api }) => api.fault(post(VERIFY, "/deployments")),
    /What served before serves again/,
  ],
  "auth, looked at where nobody gets it": [
    ({ edge }, old) =>
      (edge.answer = (version) => (version.script === AUTH && version.id !== old[AUTH] ? UNWELL(version) : WELL(version))),
    /simple_auth\/health\?ready was not well within 4 s: 503 unavailable, without redis/,
  ],
  "the gateway, looked at where nobody gets it": [
    ({ edge }, old) =>
      (edge.answer = (version) =>
        version.script === VERIFY && version.id !== old[VERIFY]
          ? { status: 500, body: { code: "config_invalid" } }
          : WELL(version)),
    /config_invalid: a variable or a secret is wrong/,
  ],
  "auth for everybody": [({ api }) => api.fault(post(AUTH, "/deployments"), { after: 1 }), /What served before serves again/],
  "the gateway for everybody": [
    ({ api }) => api.fault(post(VERIFY, "/deployments"), { after: 1 }),
    /What served before serves again/,
  ],
  "the gateway for everybody, whose answer never comes": [
    ({ api }) => api.fault(post(VERIFY, "/deployments"), { after: 1, cut: true }),
    /did not answer POST/,
  ],
  "auth's routes": [({ api }) => api.fault(/^PUT .*\/routes$/, ALWAYS), /triggers deploy failed/, MORE],
  "auth's crons, which come after its routes": [
    ({ api }) => api.fault(/^PUT .*\/schedules$/, { status: 400 }),
    /triggers deploy failed/,
    MORE,
  ],
  "the health of all at the end": [
    ({ edge, api }, old) =>
      (edge.answer = (version) =>
        version.script === VERIFY && api.serving(VERIFY)[version.id] === 100 && version.id !== old[VERIFY]
          ? UNWELL(version)
          : WELL(version)),
    /health\?ready was not well/,
  ],
};

for (const [step, [breakIt, told, edits]] of Object.entries(STEPS)) {
  test(`when ${step} fails, what served before serves again`, async (t) => {
    const world = await startWorld(t, { edits, patienceMs: 4000 });
    const old = world.deployed();
    const before = world.state();
    breakIt(world, old);
    const { status, output } = await world.deploy();
    assert.equal(status, 1, output);
    assert.match(output, told);
    assert.deepEqual(world.state(), before, output);
  });
}

// `scripts/check-supabase`, against the stand-in for Supabase over a real PostgreSQL, and a stand-in for its Management API.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Findings } from "../../scripts/supabase/findings.mjs";
import { judgeSettings, UNSEEN } from "../../scripts/supabase/settings.mjs";
import { startLocal } from "../support/local.mjs";
import { startPostgres } from "../support/postgres.mjs";
import { startRedis } from "../support/redis.mjs";
import { ROOT, startWorld } from "./world.mjs";

const REF = "abcdefghijklmnopqrst";
const TOKEN = "sbp_of-the-tests";
const link = (path, type) =>
  `<p><a href="{{ .SiteURL }}${path}?token_hash={{ .TokenHash }}&type=${type}&next={{ .RedirectTo }}">Here</a></p>`;

/** A project in which all is as it must be. */
const WELL = {
  site_url: "https://app.example.com",
  uri_allow_list: "",
  mailer_templates_confirmation_content: link("/auth/confirm", "signup"),
  mailer_templates_email_change_content: link("/auth/confirm", "email_change").replaceAll("&", "&amp;"),
  mailer_templates_recovery_content: link("/auth/reset", "recovery").replaceAll(/\{\{ | \}\}/g, (it) => it.trim()),
  security_sb_forwarded_for_enabled: true,
  password_min_length: 12,
  password_required_characters: "",
  mailer_secure_email_change_enabled: true,
  security_captcha_enabled: false,
  smtp_host: "smtp.example.com",
  rate_limit_email_sent: 100,
  mfa_totp_enroll_enabled: true,
  mfa_totp_verify_enabled: true,
  mfa_phone_enroll_enabled: false,
  mfa_phone_verify_enabled: false,
};
const VARS = { GATEWAY_URL: "https://app.example.com", AUTH_URL: "https://app.example.com" };

/** The lines of what is wrong with a project that is `WELL` but for `changes`. */
function wrong(changes, { vars = {}, key = "sb_secret_x" } = {}) {
  const findings = new Findings();
  judgeSettings(findings, { ...WELL, ...changes }, { vars: { ...VARS, ...vars }, key });
  return findings.text
    .split("\n\n")[0]
    .split(/\n(?=\S)/)
    .filter((line) => line.startsWith("WRONG"));
}

test("a project in which all is as it must be has no fault", () => assert.deepEqual(wrong({}), []));

test("each setting that is wrong is named, with its place and what to do", () => {
  for (const [changes, expected, options] of [
    [
      { site_url: "http://localhost:3000" },
      /site URL is http:\/\/localhost:3000\n.*URL Configuration: set Site URL to https:\/\/app\.example\.com/,
    ],
    [
      { mailer_templates_confirmation_content: '<a href="{{ .ConfirmationURL }}">x</a>' },
      /"Confirm signup".*Supabase's own page[^]*token_hash=\{\{ \.TokenHash \}\}&type=signup/,
    ],
    [
      { mailer_templates_recovery_content: link("/auth/confirm", "recovery") },
      /"Reset password" does not lead to \/auth\/reset/,
    ],
    [{ mailer_templates_recovery_content: link("/auth/reset", "signup") }, /"Reset password"/],
    [
      { mailer_templates_email_change_content: link("/auth/confirm", "email_change").replace("&next={{ .RedirectTo }}", "") },
      /"Change email address"/,
    ],
    [
      { mailer_templates_confirmation_content: link("/auth/confirm", "signup").replace(".TokenHash", ".Token") },
      /"Confirm signup"/,
    ],
    [{ mailer_templates_confirmation_content: undefined }, /"Confirm signup"/],
    [
      { security_sb_forwarded_for_enabled: false },
      /takes everybody for one address[^]*Rate Limits: turn IP Address Forwarding on/,
    ],
    [{}, /SUPABASE_ANON_KEY is no secret key/, { key: "sb_publishable_x" }],
    [{ password_min_length: 6 }, /may have 6 characters[^]*Minimum password length/],
    [{ password_required_characters: "abc:ABC" }, /certain characters/],
    [{ mailer_secure_email_change_enabled: false }, /new address alone[^]*Secure email change/],
    [{ security_captcha_enabled: true }, /captcha is asked for[^]*Attack Protection/],
    [{ smtp_host: null }, /Supabase's own server[^]*SMTP Settings/],
    [{ rate_limit_email_sent: 2 }, /only 2 mails/],
    [{ mfa_totp_verify_enabled: false }, /authenticator apps may not/],
    [{}, /PHONE_FACTORS is 1/, { vars: { PHONE_FACTORS: "1" } }],
    [
      {},
      /redirect URLs lack https:\/\/shop\.example\.com/,
      { vars: { REDIRECT_ORIGINS: "https://app.example.com,https://shop.example.com" } },
    ],
  ]) {
    const faults = wrong(changes, options);
    assert.equal(faults.length, 1, `${expected}: ${faults.join("\n")}`);
    assert.match(faults[0], expected);
    assert.match(faults[0], /\n {7}Until then: ./);
  }
});

test("what people choose otherwise, and may, is no fault", () => {
  const shop = { vars: { REDIRECT_ORIGINS: "https://app.example.com,https://shop.example.com" } };
  for (const pattern of ["https://shop.example.com/**", "https://*.example.com/**", "https://**"])
    assert.deepEqual(wrong({ uri_allow_list: ` ${pattern} ` }, shop), []);
  assert.equal(wrong({ uri_allow_list: "https://shop.example.com/*" }, shop).length, 1, "one * ends at a slash");
  const texts = { vars: { TEXTS: '{"en":{"new_password_hint":"With a digit."}}' } };
  assert.deepEqual(wrong({ password_required_characters: "0123456789" }, texts), []);
  assert.deepEqual(
    wrong({
      mailer_templates_confirmation_content: link("/auth/confirm", "signup").replace(
        "{{ .SiteURL }}",
        "https://app.example.com",
      ),
    }),
    [],
  );
});

test("the page has each setting that is looked at, and its place", () => {
  const page = readFileSync(join(ROOT, "docs/SUPABASE.md"), "utf8");
  const source = readFileSync(join(ROOT, "scripts/supabase/settings.mjs"), "utf8");
  for (const [name] of source.matchAll(/(?<=config\.)[a-z_]+/g))
    assert.ok(page.includes(name), `docs/SUPABASE.md does not tell of ${name}`);
  for (const [, place] of UNSEEN) assert.ok(page.includes(place), place);
});

/** Supabase's Management API, as far as it is asked. */
function startManagement(config) {
  const server = createServer((request, response) => {
    const answer = (status, body) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return answer(401, { message: "Unauthorized" });
    if (request.method !== "GET" || request.url !== `/v1/projects/${REF}/config/auth`)
      return answer(404, { message: "Not Found" });
    return answer(200, config);
  });
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () =>
      resolve({ url: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() }),
    ),
  );
}

let [redis, postgres, local, management] = [];
before(async () => {
  [redis, postgres, management] = await Promise.all([startRedis(), startPostgres(), startManagement(WELL)]);
  local = await startLocal({ redisUrl: redis.url, postgresUrl: postgres.url });
});
after(async () => {
  management?.stop();
  await local?.stop();
  await Promise.all([redis?.stop(), postgres?.stop()]);
});

/** Runs it; `lines` are what it says of each thing. */
async function check(t, { env = {}, edits = [] } = {}) {
  const world = await startWorld(t, { edits: [["https://example.supabase.co", local.supabase], ...edits] });
  const { status, stdout, output } = await world.run("check-supabase", ["production"], {
    env: {
      SUPABASE_ANON_KEY: "local-anon",
      SUPABASE_SERVICE_ROLE_KEY: "local-service",
      SUPABASE_API_URL: management.url,
      SUPABASE_PROJECT_REF: REF,
      ...env,
    },
  });
  for (const key of ["local-service", TOKEN]) assert.ok(!output.includes(key), "a key was shown");
  const said = (sign) => stdout.split("\n").filter((line) => line.startsWith(sign));
  return { status, output, ok: said("ok"), wrong: said("WRONG"), unseen: said("?") };
}

const control = (path, body) =>
  fetch(`${local.supabase}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

test("without a token, what can be seen is checked, and the rest is listed with its place", async (t) => {
  const { status, ok, wrong, unseen, output } = await check(t);
  assert.deepEqual([status, wrong], [0, []], output);
  assert.ok(
    ok.some((line) => line.includes("the migration is applied")),
    output,
  );
  assert.ok(
    ok.some((line) => line.includes("nobody else may use")),
    output,
  );
  assert.equal(unseen.length, UNSEEN.length);
  assert.match(output, /mails' links could not be checked; look at Authentication > Emails > Templates/);
});

test("with a token, all is checked", async (t) => {
  const { wrong, unseen, output } = await check(t, { env: { SUPABASE_ACCESS_TOKEN: TOKEN } });
  assert.deepEqual(
    wrong,
    ["WRONG  SUPABASE_ANON_KEY is no secret key, so Supabase does not believe the addresses that it is told"],
    output,
  );
  assert.deepEqual(unseen, []);
  assert.match(
    (await check(t, { env: { SUPABASE_ACCESS_TOKEN: "another" } })).output,
    /401: SUPABASE_ACCESS_TOKEN is not valid/,
  );
  assert.match(
    (await check(t, { env: { SUPABASE_ACCESS_TOKEN: TOKEN, SUPABASE_PROJECT_REF: "other" } })).output,
    /no project other/,
  );
});

test("keys that Supabase does not take, and a project that is away, are told apart", async (t) => {
  assert.match(
    (await check(t, { env: { SUPABASE_ANON_KEY: "another" } })).output,
    /WRONG {2}Supabase does not take SUPABASE_ANON_KEY/,
  );
  assert.match(
    (await check(t, { env: { SUPABASE_SERVICE_ROLE_KEY: "another" } })).output,
    /WRONG {2}Supabase does not take SUPABASE_SERVICE_ROLE_KEY/,
  );
  assert.match(
    (await check(t, { edits: [[local.supabase, "http://127.0.0.1:9"]] })).output,
    /WRONG {2}Supabase does not answer at http:\/\/127\.0\.0\.1:9/,
  );
});

test("sign-up and providers are looked at", async (t) => {
  t.after(() => control("/reset", {}));
  await control("/config", { autoconfirm: true, providers: ["google"] });
  const { status, output } = await check(t, {
    edits: [['LOG_LEVEL = "info"', 'LOG_LEVEL = "info"\nOAUTH_PROVIDERS = "google,github"']],
  });
  assert.equal(status, 1);
  assert.match(output, /WRONG {2}addresses are not confirmed[^]*Confirm email/);
  assert.match(output, /ok {5}people may sign in at google/);
  assert.match(output, /WRONG {2}OAUTH_PROVIDERS has github, which is off[^]*Sign In \/ Providers > github/);
});

test("a migration that is missing in part, or open to strangers, is found", async (t) => {
  const sql = readFileSync(join(ROOT, "supabase/migrations/20261125200000_authflow_sessions.sql"), "utf8");
  t.after(() => postgres.query(sql));
  await postgres.query(
    "grant select on public.authflow_sessions to anon; grant execute on function public.authflow_find(text) to anon",
  );
  assert.match((await check(t)).output, /WRONG {2}everybody who has the anon key may use authflow_sessions, authflow_find\(\)/);
  await postgres.query("revoke select on public.authflow_sessions from service_role");
  assert.match(
    (await check(t)).output,
    /WRONG {2}the migration is not applied, or not whole: authflow_sessions \(read: 42501\)/,
  );
  await postgres.query("drop function public.authflow_settled(jsonb); drop table public.authflow_state");
  assert.match((await check(t)).output, /authflow_state \(read: (PGRST205|42P01)\).*authflow_settled\(\) \(call: PGRST202\)/);
});

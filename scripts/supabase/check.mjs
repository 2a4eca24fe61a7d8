// Looks at Supabase's side of AuthFlow. See scripts/check-supabase.

import { parseArgs } from "node:util";

import { SecretFile } from "../cloudflare/secret-file.mjs";
import { readStage } from "../cloudflare/stage.mjs";
import { Failure, run } from "../common/failure.mjs";
import { Findings } from "./findings.mjs";
import { judgeDatabase, judgePublic, judgeReach } from "./outside.mjs";
import { judgeSettings, UNSEEN } from "./settings.mjs";

const API = process.env.SUPABASE_API_URL ?? "https://api.supabase.com";

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { config: { type: "string", default: "wrangler.toml" } },
  });
  const stage = readStage(positionals[0] ?? "production", values.config);
  const file = new SecretFile(stage);
  const secret = (name) => process.env[name]?.trim() || file.valueFor("auth", name);
  const { vars } = stage.auth.settings;
  const key = secret("SUPABASE_ANON_KEY");
  if (!key) throw new Failure(`SUPABASE_ANON_KEY is neither in ${file.path} nor in the environment`);
  const project = { vars, url: vars.SUPABASE_URL.replace(/\/+$/, ""), key, serviceKey: secret("SUPABASE_SERVICE_ROLE_KEY") };

  const findings = new Findings();
  if (await judgeReach(findings, project)) {
    await judgePublic(findings, project);
    await judgeDatabase(findings, { ...project, key: process.env.SUPABASE_PUBLISHABLE_KEY?.trim() || key });
  }
  const token = process.env.SUPABASE_ACCESS_TOKEN?.trim();
  if (token) judgeSettings(findings, await authConfig(token, project.url), project);
  else for (const [what, place] of UNSEEN) findings.unseen(what, place);
  console.log(findings.text);
  if (!token)
    console.log(
      "With SUPABASE_ACCESS_TOKEN, a token of your account (supabase.com/dashboard/account/tokens), the rest is checked, too.",
    );
  return findings.wrong > 0 ? 1 : 0;
}

/** What the project's Auth is configured with. */
async function authConfig(token, url) {
  const ref = process.env.SUPABASE_PROJECT_REF ?? /^https:\/\/([a-z0-9]+)\.supabase\.co$/.exec(url)?.[1];
  if (!ref) throw new Failure(`${url} does not tell which project it is: set SUPABASE_PROJECT_REF`);
  let response;
  try {
    response = await fetch(`${API}/v1/projects/${ref}/config/auth`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(20_000),
    });
  } catch (error) {
    throw new Failure(`Supabase's Management API does not answer: ${error.cause?.message ?? error.message}`);
  }
  if (response.ok) return response.json();
  const hints = {
    401: "SUPABASE_ACCESS_TOKEN is not valid",
    403: "SUPABASE_ACCESS_TOKEN may not read this project",
    404: `there is no project ${ref}`,
  };
  throw new Failure(
    `Supabase's Management API answers ${response.status}: ${hints[response.status] ?? (await response.text()).slice(0, 200)}`,
  );
}

run(main);

// The settings that Supabase's Management API tells (GET /v1/projects/{ref}/config/auth), held against what AuthFlow needs.
// docs/SUPABASE.md has each of them, with its reason.

import { PLACES } from "./findings.mjs";

/** The mails whose links AuthFlow answers: their names in the dashboard, and where the link must lead. */
const MAILS = {
  confirmation: { title: "Confirm signup", path: "/auth/confirm", type: "signup", loss: "nobody can confirm their address" },
  email_change: {
    title: "Change email address",
    path: "/auth/confirm",
    type: "email_change",
    loss: "nobody can change their address",
  },
  recovery: { title: "Reset password", path: "/auth/reset", type: "recovery", loss: "nobody can choose a new password" },
};

/** What is judged here, for a check that has no token and can see none of it. */
export const UNSEEN = [
  ["the mails' links", PLACES.templates],
  ["the site URL and the redirect URLs", PLACES.urls],
  ["the forwarding of people's addresses (Sb-Forwarded-For)", PLACES.limits],
  ["the rules for passwords", PLACES.email],
  ["the secure change of addresses", PLACES.email],
  ["the mail server and how many mails it sends", PLACES.smtp],
  ["the captcha", PLACES.protection],
  ["second factors", PLACES.factors],
];

/** Judges `config` by what `vars` say of the auth worker, whose key for Supabase is `key`. */
export function judgeSettings(findings, config, { vars, key }) {
  urls(findings, config, vars);
  for (const [name, mail] of Object.entries(MAILS))
    template(findings, config[`mailer_templates_${name}_content`] ?? "", mail, vars);
  forwarding(findings, config, key);
  passwords(findings, config, vars);
  mails(findings, config);
  findings.judge(config.mailer_secure_email_change_enabled, "a change of address asks both addresses", {
    what: "a change of address is confirmed at the new address alone",
    place: PLACES.email,
    todo: "turn Secure email change on",
    loss: "whoever is at somebody's unlocked screen can move the account to an address of their own",
  });
  findings.judge(!config.security_captcha_enabled, "no captcha is asked for", {
    what: "a captcha is asked for",
    place: PLACES.protection,
    todo: "turn it off: AuthFlow limits attempts by itself, and its pages show no captcha",
    loss: "nobody can sign in or up",
  });
  factors(findings, config, vars);
}

function urls(findings, config, vars) {
  const [site, auth] = [origin(config.site_url), origin(vars.AUTH_URL)];
  findings.judge(site === auth, `the site URL is ${auth}`, {
    what: `the site URL is ${config.site_url || "empty"}`,
    place: PLACES.urls,
    todo: `set Site URL to ${auth}`,
    loss: "the links of mails lead elsewhere",
  });
  const allowed = (config.uri_allow_list ?? "")
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean);
  const targets = new Set(
    [vars.GATEWAY_URL, vars.AUTH_URL, ...(vars.REDIRECT_ORIGINS ?? "").split(",")].map(origin).filter(Boolean),
  );
  // The host of the site URL needs no leave.
  const known = (url) => new URL(url).hostname === new URL(auth).hostname || allowed.some((pattern) => globs(pattern, url));
  const missing = [...targets].filter((target) => !known(`${target}/a/b?c=d`));
  findings.judge(missing.length === 0, "people may be led back to each of our origins", {
    what: `the redirect URLs lack ${missing.join(", ")}`,
    place: PLACES.urls,
    todo: `add ${missing.map((target) => `${target}/**`).join(", ")} to Redirect URLs`,
    loss: "who confirms an address or signs in at a provider lands on the site's first page, and not where they wanted to go",
  });
}

function template(findings, content, { title, path, type, loss }, vars) {
  const plain = content.replaceAll("&amp;", "&").replaceAll(/\{\{\s*(\.\w+)\s*\}\}/g, "{{$1}}");
  const wanted = `{{ .SiteURL }}${path}?token_hash={{ .TokenHash }}&type=${type}&next={{ .RedirectTo }}`;
  const bases = ["{{.SiteURL}}", origin(vars.AUTH_URL)];
  const begins = bases.some((base) => plain.includes(`${base}${path}?`));
  const query = new RegExp(`${path.replaceAll("/", "\\/")}\\?([^"'\\s<>]*)`).exec(plain)?.[1] ?? "";
  const fields = Object.fromEntries(query.split("&").map((field) => field.split("=")));
  const isWell = begins && fields.token_hash === "{{.TokenHash}}" && fields.type === type && fields.next === "{{.RedirectTo}}";
  const old = plain.includes("{{.ConfirmationURL}}") ? ", but by Supabase's own page, which signs nobody in here" : "";
  findings.judge(isWell && !plain.includes("{{.ConfirmationURL}}"), `the mail "${title}" leads to ${path}`, {
    what: `the mail "${title}" does not lead to ${path} as it must${old}`,
    place: `${PLACES.templates} > ${title}`,
    todo: `let its link be ${wanted}`,
    loss,
  });
}

function forwarding(findings, config, key) {
  const isSecret = key?.startsWith("sb_secret_");
  const both = config.security_sb_forwarded_for_enabled && isSecret !== false;
  findings.judge(both, "Supabase learns people's addresses, for its limits", {
    what: config.security_sb_forwarded_for_enabled
      ? "SUPABASE_ANON_KEY is no secret key, so Supabase does not believe the addresses that it is told"
      : "Supabase takes everybody for one address, that of Cloudflare",
    place: config.security_sb_forwarded_for_enabled ? PLACES.keys : PLACES.limits,
    todo: config.security_sb_forwarded_for_enabled
      ? "make a secret key (sb_secret_…) and upload it as SUPABASE_ANON_KEY by scripts/secrets"
      : "turn IP Address Forwarding on, and let SUPABASE_ANON_KEY be a secret key (sb_secret_…)",
    loss: "all people together have the limits that Supabase has for one address, and codes of telephones may be refused",
  });
}

/** What the pages say: a few words. What they do not say beforehand, people learn by being refused. */
function passwords(findings, config, vars) {
  const least = config.password_min_length ?? 6;
  findings.judge(least >= 8, `a password has ${least} characters or more`, {
    what: `a password may have ${least} characters`,
    place: PLACES.email,
    todo: "set Minimum password length to 8 or more; 12 is better",
    loss: "people choose passwords that are guessed",
  });
  const says = hint(vars);
  findings.judge(!config.password_required_characters || says, "the pages say what a password must have", {
    what: "a password must have certain characters, and the pages advise a few words",
    place: PLACES.email,
    todo: "set Password Requirements to none, or say them in new_password_hint (TEXTS, docs/CONFIGURATION.md)",
    loss: "people who follow the page's advice are refused",
  });
}

/** Whether the operator has their own words for it. */
function hint({ TEXTS: texts }) {
  try {
    return Object.values(JSON.parse(texts)).some(({ new_password_hint: own }) => own !== undefined);
  } catch {
    return false;
  }
}

function mails(findings, config) {
  findings.judge(Boolean(config.smtp_host), "mails go out by a mail server of your own", {
    what: "mails go out by Supabase's own server",
    place: PLACES.smtp,
    todo: "set up a mail server of your own",
    loss: "Supabase sends two mails an hour, and to members of your team alone",
  });
  if (config.smtp_host) {
    const most = config.rate_limit_email_sent ?? 30;
    findings.judge(most >= 30, `${most} mails go out in an hour at the most`, {
      place: PLACES.limits,
      what: `only ${most} mails go out in an hour`,
      todo: "set Rate limit for sending emails to what your people need in their busiest hour",
      loss: "whoever comes after that gets no mail, and is not told so",
    });
  }
}

function factors(findings, config, vars) {
  const on = (kind) => config[`mfa_${kind}_enroll_enabled`] && config[`mfa_${kind}_verify_enabled`];
  findings.judge(on("totp"), "authenticator apps may be second factors", {
    what: "authenticator apps may not be second factors",
    place: PLACES.factors,
    todo: "enable TOTP (App Authenticator)",
    loss: "nobody can add one, though the account's page offers it",
  });
  if (vars.PHONE_FACTORS !== "1") return;
  findings.judge(on("phone"), "telephones may be second factors", {
    what: "PHONE_FACTORS is 1, and telephones may not be second factors",
    place: PLACES.factors,
    todo: "enable SMS MFA, or take PHONE_FACTORS out of wrangler.toml",
    loss: "nobody can add one, though the account's page offers it",
  });
}

function origin(url) {
  try {
    return new URL(url.trim()).origin;
  } catch {
    return undefined;
  }
}

/** As Supabase compares redirect URLs: `*` stands for anything but `.` and `/`, `**` for anything. */
function globs(pattern, url) {
  const parts = pattern.split(/(\*\*|\*|\?)/).map((part) => {
    if (part === "**") return ".*";
    if (part === "*") return "[^./]*";
    if (part === "?") return "[^./]";
    return part.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`).test(url);
}

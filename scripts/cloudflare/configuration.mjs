// The part of wrangler.toml that scripts/init asks for: read, and written back with all else as it is.

import { spawnSync } from "node:child_process";
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { Failure } from "../common/failure.mjs";
import { environmentOf } from "./stage.mjs";

/** Values of the example that this repository comes with: nobody's. */
const EXAMPLE = /\b(app|origin)(-staging)?\.example\.com\b|\bexample(-staging)?\.(supabase\.co|upstash\.io)\b/;

/** What is configured of the stage; what is still the example's is undefined. */
export function readAnswers({ verify, auth }) {
  const own = (value) => (value === undefined || EXAMPLE.test(value) ? undefined : value);
  const { vars } = verify.settings;
  const routes = own(vars.ROUTES) && JSON.parse(vars.ROUTES);
  const host = own(verify.health.host);
  return {
    host,
    zone: host && verify.routes[0]?.zone_name,
    supabaseUrl: own(vars.SUPABASE_URL),
    upstashUrl: own(vars.UPSTASH_REDIS_REST_URL),
    routes,
    brandName: auth.settings.vars.BRAND_NAME,
    brandColor: auth.settings.vars.BRAND_COLOR,
  };
}

/** The edits of wrangler.toml that make `answers` of what was there `before`. What is the same already is left alone. */
export function editsOf(stage, answers, before) {
  const { host, zone, supabaseUrl, upstashUrl, routes, brandName, brandColor } = answers;
  const isMoved = host !== before.host || zone !== before.zone;
  const [verify, auth] = ["verify", "auth"].map((service) => ["env", environmentOf(service, stage)]);
  const routeOf = (path) => `{ pattern = ${text(host + path)}, zone_name = ${text(zone)} }`;
  const urls = isMoved ? { GATEWAY_URL: `https://${host}`, AUTH_URL: `https://${host}` } : {};
  const both = { ...urls, UPSTASH_REDIS_REST_URL: upstashUrl, SUPABASE_URL: supabaseUrl };
  const vars = (environment, values) =>
    Object.entries(values)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => ({ at: [...environment, "vars", name], toml: text(value) }));
  const ways = [
    { at: [...verify, "routes"], toml: `[${routeOf("/*")}]` },
    { at: [...auth, "routes"], toml: `[\n  ${routeOf("/auth/*")},\n  ${routeOf("/api/v1/simple_auth/*")},\n]` },
    ...vars(verify, { PUBLIC_HOSTS: host }),
  ];
  return [
    ...(isMoved ? ways : []),
    ...vars(verify, both),
    ...vars(auth, { ...both, BRAND_NAME: brandName, BRAND_COLOR: brandColor }),
    ...(routes === before.routes ? [] : [{ at: [...verify, "vars", "ROUTES"], toml: lines(routes) }]),
  ];
}

/** A text as TOML writes it; JSON's escapes are TOML's, too. */
const text = (value) => JSON.stringify(value);

/** Routes as people read them: one a line. */
function lines(routes) {
  const each = routes.map(
    (route) =>
      `  ${JSON.stringify(route)
        .replaceAll(/("(?:[^"\\]|\\.)*")|([:,])/g, (_, quoted, sign) => quoted ?? `${sign} `)
        .replace(/^\{/, "{ ")
        .replace(/\}$/, " }")}`,
  );
  const written = `[\n${each.join(",\n")}\n]\n`;
  return written.includes("'''") ? text(written) : `'''\n${written}'''`;
}

/** The text of the file with `edits` made. */
export function edited(config, edits) {
  const program = join(process.env.TARGET ?? "target", "debug/authflow-edit");
  const { status, stdout, stderr, error } = spawnSync(program, [config], { input: JSON.stringify(edits), encoding: "utf8" });
  if (status !== 0) throw new Failure(`${config} could not be changed: ${error?.message ?? stderr.trim()}`);
  return stdout;
}

/** The lines that differ, as `- old` and `+ new`. */
export function difference(config, after) {
  const before = readFileSync(config, "utf8");
  const [old, now] = [before.split("\n"), after.split("\n")];
  const rest = (list, others) => {
    const left = [...others];
    return list.filter((line) => {
      const at = left.indexOf(line);
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    });
  };
  return [...rest(old, now).map((line) => `- ${line}`), ...rest(now, old).map((line) => `+ ${line}`)];
}

/**
 * Writes `text` beside the file and has `judge` look at it, by its path there. Gives what puts it in place, in one go, so that
 * nobody finds half a file, and what takes it away; where `judge` fails, it is taken away.
 */
export function drafted(config, text, judge) {
  // Beside it, because the paths in it are from there; its name ends as that of its kind.
  const draft = join(dirname(config), `.new-${process.pid}-${basename(config)}`);
  const drop = () => rmSync(draft, { force: true });
  try {
    writeFileSync(draft, text, { mode: statSync(config).mode });
    judge(draft);
  } catch (error) {
    drop();
    throw error;
  }
  return { keep: () => renameSync(draft, config), drop };
}

// The same while what the workers need is away, answers nonsense, or answers with all that it was sent.

import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";

import { withApp } from "../factor.mjs";
import { answer, comeBack, Jar, press } from "../oauth.mjs";
import { hidden, pagesOf } from "../pages.mjs";
import { api, lastMail, signIn, untilMail } from "../person.mjs";
import { newEmail, newPassword, somebody } from "./steps.mjs";

/** How a companion fails. */
const FAULTS = [
  { drop: true },
  { garbage: true },
  { cut: true },
  { stall: true },
  { status: 500 },
  { status: 429 },
  { status: 401 },
];

/** How it answers with what it was sent. */
const ECHOES = [200, 400, 500];

/** People in the middle of all that takes more than one step. */
async function meet(world) {
  const ada = await somebody(world);
  const other = await signIn(world, ada);
  const raised = await withApp(world, await somebody(world, "raised"));
  const staff = await somebody(world, "staff");
  await world.admin("PUT", `/admin/users/${staff.id}`, { app_metadata: { role: "admin" } });
  const admin = await signIn(world, staff);
  const resetOf = async ({ email }) => {
    await api(world, "forgot-password", { email });
    return (await untilMail(world, email, "recovery")).token_hash;
  };
  const fresh = newEmail("fresh");
  await api(world, "signup", { email: fresh, password: ada.password });
  const { html } = await pagesOf(world).submit("/auth/signin", raised);
  const jar = new Jar();
  const { url } = await press(world, "google", { next: "/app/x", jar });
  return {
    ada,
    other,
    raised,
    admin,
    jar,
    back: await answer(url, { email: newEmail("back") }),
    reset: await resetOf(ada),
    raisedReset: await resetOf(raised),
    confirm: (await lastMail(world, fresh)).token_hash,
    mfa_token: hidden(html, "mfa_token"),
    code: raised.app.code(),
  };
}

/** Everything at once, whatever becomes of it. */
async function knock(world, people) {
  const { ada, other, raised, admin, jar, back, reset, raisedReset, confirm, mfa_token, code } = people;
  const { email, password } = ada;
  const { submit, open } = pagesOf(world);
  const factor_id = raised.factorId;
  const as = ({ cookie }, path, body, method = "POST") => api(world, path, body, { method, headers: { cookie } });
  const next = `/app/x?key=${randomBytes(12).toString("hex")}`;
  const form = (path, fields, who) => submit(path, { next, ...fields }, who && { cookie: who.cookie });
  const enter = (path, headers) => fetch(world.gateway + path, { headers, redirect: "manual" });
  const attempts = [
    api(world, "signup", { email: newEmail("knock"), password: newPassword() }),
    api(world, "signin", { email, password }),
    api(world, "signin", { email, password: newPassword() }),
    api(world, "forgot-password", { email }),
    api(world, "resend-verification", { email: newEmail("knock") }),
    api(world, "verify-email", { token_hash: confirm, type: "signup" }),
    api(world, "reset-password/update", { token_hash: reset, password: newPassword() }),
    api(world, "reset-password/update", { token_hash: raisedReset, password: newPassword(), factor_id, code }),
    api(world, "mfa/verify", { mfa_token, factor_id, code }),
    as(ada, "me", undefined, "GET"),
    as(ada, "me", { data: { nick: newPassword() } }, "PATCH"),
    as(ada, "sessions", undefined, "GET"),
    as(ada, "change-email", { email: newEmail("change"), current_password: password }),
    as(ada, "delete-account", { current_password: newPassword() }),
    as(raised, "mfa/factors", undefined, "GET"),
    as(raised, "mfa/step-up", { factor_id, code }),
    as(admin, `admin/users?email=${encodeURIComponent(email)}`, undefined, "GET"),
    as(admin, `admin/users/${ada.id}/role`, { role: "writer" }, "PUT"),
    as(other, "logout", { scope: "local" }),
    form("/auth/signin", { email, password }),
    form("/auth/signup", { email: newEmail("knock"), password: newPassword() }),
    form("/auth/confirm", { token_hash: confirm, type: "signup" }),
    form("/auth/reset", { token_hash: reset, password: newPassword() }),
    form("/auth/second-factor", { mfa_token, factor_id, code }),
    form("/auth/account/email", { email: newEmail("change"), current_password: password }, ada),
    form("/auth/account/second-factor", { type: "totp", current_password: password }, ada),
    open("/auth/account", { cookie: ada.cookie }),
    press(world, "github", { next: `/app/x?mail=${email}` }),
    comeBack(back, jar),
    enter(`/app/x?mail=${email}`, { cookie: ada.cookie }),
    enter("/app/x", { authorization: `Bearer ${raised.token}` }),
    enter("/app/x", { cookie: other.cookie, "cf-connecting-ip": "198.51.100.9" }),
    enter("/safe/x", { cookie: raised.cookie }),
    enter("/few/x", { cookie: admin.cookie }),
    enter("/health?ready", {}),
    fetch(`${world.auth}/health?ready`),
  ];
  await Promise.allSettled(attempts);
}

/** Redis, or all of Supabase, in every kind of trouble. */
function trouble(name) {
  return async (world) => {
    const people = await meet(world);
    for (const fault of FAULTS) {
      await world.companions[name].fault(fault);
      await knock(world, people);
      await world.companions[name].heal();
    }
    for (const status of ECHOES) {
      world.between[name].echo(status);
      await knock(world, people);
      world.between[name].echo();
    }
    await healthy(world);
  };
}

/** Waits until every breaker has closed. */
async function healthy(world) {
  const ready = async (url) => (await (await fetch(`${url}/health?ready`)).json()).status === "ok";
  const signsUp = () =>
    somebody(world, "healthy").then(
      () => true,
      () => false,
    );
  const end = Date.now() + 30_000;
  for (const answers of [() => ready(world.gateway), () => ready(world.auth), signsUp]) {
    while (!(await answers())) {
      if (Date.now() > end) throw new Error(`not healthy within 30 s: ${answers}`);
      await setTimeout(50);
    }
  }
}

/** Sessions by the database's word, and ends that Redis hears of later. */
async function withoutRedis(world) {
  const people = await meet(world);
  await world.redis.kill();
  for (let time = 0; time < 2; time += 1) await knock(world, people);
  const { admin, raised } = people;
  for (const [{ cookie }, scope] of [
    [raised, "local"],
    [admin, "global"],
  ]) {
    await api(world, "logout", { scope }, { headers: { cookie } });
  }
  await world.redis.restart({ keepData: true });
  await world.workers.auth.scheduled();
  await healthy(world);
}

/** Redis alone, and what the database hears of later, or never. */
async function withoutDatabase(world) {
  const people = await meet(world);
  await world.postgres.kill();
  await knock(world, people);
  await world.postgres.restart();
  const change = { kind: "unknown", user_id: people.ada.id, email: newEmail("owed"), record: people.ada.token };
  await world.redis.command("HSET", "owed_to_database", newEmail("owed"), JSON.stringify(change));
  await world.workers.auth.scheduled();
  await healthy(world);
}

/** Applications that fail, or take no hook. */
async function origin(world) {
  const { cookie } = await somebody(world, "origin");
  for (const fault of [{ drop: true }, { garbage: true }, { cut: true }, { status: 500 }]) {
    await world.companions.origin.fault(fault);
    const visits = [{}, { method: "POST", body: newPassword() }].map(async (init) => {
      const response = await fetch(`${world.gateway}/app/x?key=${newPassword()}`, { headers: { cookie }, ...init });
      await response.text();
    });
    await Promise.allSettled(visits);
    await signIn(world, await somebody(world, "hook"), { headers: { "user-agent": newPassword() } });
    await world.companions.origin.heal();
  }
}

/** Old tokens of Supabase's, which are exchanged, or worth nothing any more. */
async function time(world) {
  const people = await meet(world);
  for (const advance_seconds of [4000, 40 * 86_400]) {
    await world.control("/clock", { advance_seconds });
    await knock(world, people);
  }
}

/** A database that has not got what is ours. */
async function unusable(world) {
  const person = await somebody(world, "unusable");
  await world.postgres.query("drop function authflow_owed(integer)");
  for (const service of ["verify", "auth"]) await world.workers[service].reload();
  await fetch(`${world.gateway}/app/x`, { headers: { cookie: person.cookie } });
  await api(world, "logout", {}, { headers: { cookie: person.cookie } });
}

export const OUTAGES = {
  "Redis in trouble": trouble("bridge"),
  "Supabase in trouble": trouble("supabase"),
  "Redis away": withoutRedis,
  "applications in trouble": origin,
  "the database away": withoutDatabase,
  "time going by": time,
  "a database that is not ours": unusable,
};

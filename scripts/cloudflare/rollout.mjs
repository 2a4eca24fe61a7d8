// Brings versions to people, and takes them back where anything is wrong with them.
//
// 1. Where people are led to both workers already, each new version is put beside the one that serves, at 0 %: nobody gets
//    it but who asks for it by name, as we do. One that is not well there never reaches anybody. A new host is led there
//    for that, and the old one stays until all have moved.
// 2. auth gets everybody, then verify: nobody who is signed in needs auth, and verify asks only what auth can do already.
//    Both know what the last release left in Redis, so for the moment between the two any pair of them works.
// 3. Both are looked at again, as everybody gets them.
//
// Before each step the deployment must still be the one that was looked at; whoever else deploys meanwhile is not overruled.
// On any failure, or Ctrl-C, all that was done is taken back in reverse: versions, routes, crons, switches.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { Failure, say } from "../common/failure.mjs";
import { ApiError, SECRET_IS_NEWER } from "./api.mjs";
import { leadTo, readServing, short, zoneOf } from "./deployed.mjs";
import { untilReady } from "./health.mjs";
import { wrangler } from "./wrangler.mjs";

/** How long a move whose answer was lost may take to be seen. */
const LOST_MS = 3000;
/** How often it is tried to take something back. */
const INSISTED = 4;

/**
 * Rolls out `parts`, in this order: `{worker, before, version, triggers, observes}`, of which `version` is undefined where
 * the one that serves stays. `config` is wrangler's file.
 */
export async function rollOut(cloudflare, parts, { config, message, signal }) {
  const rollout = new Rollout(cloudflare, parts, { config, message, signal });
  try {
    await rollout.forward();
  } catch (error) {
    throw await rollout.back(error);
  }
}

class Rollout {
  #cloudflare;
  #parts;
  #config;
  #signal;
  #message;
  /** What was begun and would have to be taken back, the last first. */
  #begun = [];

  constructor(cloudflare, parts, { config, message, signal }) {
    this.#cloudflare = cloudflare;
    this.#parts = parts.map((part) => ({ ...part, deployment: part.before.deployment }));
    this.#config = config;
    this.#signal = signal;
    // By its end we know our own deployments from others'.
    this.#message = `${message} [${randomUUID().slice(0, 8)}]`;
  }

  async forward() {
    const moved = this.#parts.filter(({ version }) => version !== undefined);
    const isLed = this.#parts.every(({ before }) => before.routes.ours.length > 0);
    const onNewHosts = this.#parts.filter(({ worker, before }) => isLed && !leadTo(before.routes.ours, worker.health));
    if (isLed) {
      for (const part of moved) await this.#beside(part);
      for (const part of onNewHosts) await this.#lead(part);
      await this.#look(
        moved,
        "that gets nobody yet",
        Object.fromEntries(moved.map(({ worker, version }) => [worker.name, version])),
      );
    } else if (moved.length > 0) {
      say("The domain does not lead to both workers yet: they are looked at once it does");
    }
    for (const part of this.#parts) {
      if (part.version !== undefined) await this.#everybody(part);
      if (part.observes !== part.before.observes) await this.#observe(part);
      if (part.triggers && onNewHosts.length === 0) await this.#trigger(part);
    }
    if (onNewHosts.length > 0) for (const part of this.#parts) if (part.triggers) await this.#trigger(part);
    await this.#look(this.#parts, "that everybody gets");
  }

  async #look(parts, which, overrides) {
    for (const part of parts) {
      const { worker, version, before } = part;
      try {
        const { told } = await untilReady(worker, version ?? before.version, { overrides, signal: this.#signal });
        say(`${worker.name}: version ${short(version ?? before.version)}, ${which}, answers ${told}`);
      } catch (error) {
        // Somebody else's version may have answered.
        if (!this.#signal.aborted) await this.#sameAs(part);
        throw error;
      }
    }
  }

  async #beside(part) {
    await this.#move(part, [share(part.before.version, 100), share(part.version, 0)]);
    say(`${part.worker.name}: version ${short(part.version)} is beside ${short(part.before.version)}, at 0 %`);
  }

  async #everybody(part) {
    await this.#move(part, [share(part.version, 100)]);
    say(`${part.worker.name}: version ${short(part.version)} gets everybody`);
  }

  /** Deploys `versions` if the deployment is still the one that was looked at. */
  async #move(part, versions) {
    this.#signal.throwIfAborted();
    const { worker } = part;
    await this.#sameAs(part);
    this.#begin(part, "version");
    await this.#deploy(worker, versions);
    const [ours, previous] = await this.#deployments(worker);
    if (ours.annotations?.["workers/message"] !== this.#message || previous?.id !== part.deployment) {
      throw new Failure(`Somebody else deployed ${worker.name} at the same moment`);
    }
    part.deployment = ours.id;
  }

  async #sameAs({ worker, deployment }) {
    const [now] = await this.#deployments(worker);
    if (now?.id === deployment) return;
    const by = now?.author_email ? ` by ${now.author_email}` : "";
    throw new Failure(`${worker.name} was deployed${by} at ${now?.created_on} meanwhile; look at that, then run this again`);
  }

  /** One deployment. Ctrl-C does not break it off, so that we know what came of it. */
  async #deploy({ name }, versions, { force = false } = {}) {
    const path = this.#cloudflare.script(name, `/deployments${force ? "?force=true" : ""}`);
    const body = { strategy: "percentage", versions, annotations: { "workers/message": this.#message } };
    try {
      await this.#cloudflare.send("POST", path, body);
    } catch (error) {
      if (!(error instanceof ApiError) || error.apiStatus !== undefined) throw error;
      // The answer was lost, and what was asked for may have been done.
      if (!(await this.#isDone(name, versions))) throw error;
    }
  }

  async #isDone(name, versions) {
    for (const deadline = Date.now() + LOST_MS; Date.now() < deadline; await sleep(500)) {
      const [now] = await this.#deployments({ name });
      if (now?.annotations?.["workers/message"] === this.#message && sameVersions(now.versions, versions)) return true;
    }
    return false;
  }

  async #deployments({ name }) {
    return (await this.#cloudflare.get(this.#cloudflare.script(name, "/deployments"))).deployments;
  }

  async #observe(part) {
    this.#signal.throwIfAborted();
    this.#begin(part, "observes");
    await this.#setObserved(part.worker, part.observes);
    say(`${part.worker.name}: Cloudflare ${part.observes ? "keeps its logs" : "does not keep its logs any more"}`);
  }

  #setObserved({ name }, enabled) {
    return this.#cloudflare.send("PATCH", this.#cloudflare.script(name, "/script-settings"), { observability: { enabled } });
  }

  /** Leads the worker's new host to it, and takes none of the others away. */
  async #lead(part) {
    this.#signal.throwIfAborted();
    this.#begin(part, "triggers");
    const { name, routes } = part.worker;
    const had = new Set(part.before.routes.ours.map(({ pattern }) => pattern));
    for (const route of routes.filter(({ pattern }) => !had.has(pattern))) {
      await this.#leadOne(await zoneOf(this.#cloudflare, route, { signal: this.#signal }), route.pattern, name);
      say(`${name}: ${route.pattern} leads to it, too`);
    }
  }

  #leadOne(zone, pattern, script) {
    return this.#cloudflare.send("POST", `/zones/${zone}/workers/routes`, { pattern, script });
  }

  async #trigger(part) {
    this.#signal.throwIfAborted();
    this.#begin(part, "triggers");
    const { environment, name, routes, crons } = part.worker;
    await wrangler(["triggers", "deploy", "--config", this.#config, "--env", environment], {
      signal: this.#signal,
      env: this.#account(),
    });
    say(`${name}: ${[...routes.map(({ pattern }) => pattern), ...crons].join(", ")} lead to it`);
  }

  #account() {
    return { CLOUDFLARE_ACCOUNT_ID: this.#cloudflare.account.id };
  }

  #begin(part, what) {
    if (!this.#begun.some((begun) => begun.part === part && begun.what === what)) this.#begun.unshift({ part, what });
  }

  /** Takes back what was begun, and gives the failure to end with. */
  async back(cause) {
    if (this.#begun.length === 0) return withStatus(cause, 1, `${cause.message}\nNothing was changed for anybody.`);
    say(`${cause.message}\nTaking back what was done:`);
    const left = [];
    for (const { part, what } of this.#begun) {
      try {
        await insisting(
          {
            version: () => this.#moveBack(part),
            triggers: () => this.#triggerBack(part),
            observes: () => this.#setObserved(part.worker, part.before.observes),
          }[what],
        );
      } catch (error) {
        left.push(`${part.worker.name}: ${error.message}`);
        say(left.at(-1));
      }
    }
    const unwell = left.length === 0 ? await this.#lookBack() : [];
    if (unwell.length > 0) {
      const both = `Failed: ${cause.message}\nWhat served before serves again, and is not well either: ${unwell.join("; ")}`;
      return withStatus(cause, 3, both);
    }
    if (left.length > 0) {
      const serve = this.#parts.map(
        ({ worker, before }) => `  wrangler versions deploy ${before.version}@100% -y --name ${worker.name}`,
      );
      return withStatus(
        cause,
        3,
        `Taking it back did not succeed. Look at it at once; these versions served before:\n${serve.join("\n")}`,
      );
    }
    return withStatus(cause, 1, `Failed: ${cause.message}\n${this.#isBack()}`);
  }

  async #moveBack({ worker, before }) {
    const [now] = await this.#deployments(worker);
    const isOurs = now?.annotations?.["workers/message"] === this.#message;
    if (!isOurs) {
      const served = await readServing(this.#cloudflare, worker);
      if (served?.deployment === before.deployment) return;
      say(`${worker.name}: somebody else has deployed it since; it stays as they left it`);
      return;
    }
    const versions = [share(before.version, 100)];
    try {
      await this.#deploy(worker, versions);
    } catch (error) {
      if (error.code !== SECRET_IS_NEWER) throw error;
      await this.#deploy(worker, versions, { force: true });
    }
    say(`${worker.name}: version ${short(before.version)} gets everybody again`);
  }

  /** Routes and crons as they were, whatever came of the change. */
  async #triggerBack({ worker, before }) {
    const zones = new Set(before.routes.ours.map(({ zone }) => zone));
    for (const route of worker.routes) zones.add(await zoneOf(this.#cloudflare, route));
    for (const zone of zones) {
      const had = new Set(before.routes.ours.filter((route) => route.zone === zone).map(({ pattern }) => pattern));
      for (const { id, pattern, script } of await this.#cloudflare.get(`/zones/${zone}/workers/routes`)) {
        if (script === worker.name && !had.delete(pattern))
          await this.#cloudflare.send("DELETE", `/zones/${zone}/workers/routes/${id}`);
      }
      for (const pattern of had) await this.#leadOne(zone, pattern, worker.name);
    }
    await this.#cloudflare.send(
      "PUT",
      this.#cloudflare.script(worker.name, "/schedules"),
      before.crons.map((cron) => ({ cron })),
    );
    say(`${worker.name}: its routes and crons are those of before`);
  }

  /** What is wrong after all was taken back, where people were led before. */
  async #lookBack() {
    const wrong = [];
    for (const { worker, before } of this.#parts.filter(isReached)) {
      try {
        const { told } = await untilReady({ ...worker, health: reachedAt({ worker, before }) }, undefined, {});
        say(`${worker.name}: version ${short(before.version)} answers ${told}`);
      } catch (error) {
        wrong.push(error.message);
        say(error.message);
      }
    }
    return wrong;
  }

  /** What is known of what was taken back: only of what was looked at is it said that it serves. */
  #isBack() {
    if (this.#parts.every(isReached)) return "What served before serves again.";
    const unseen = this.#parts.filter((part) => !isReached(part)).map(({ worker }) => worker.name);
    return `All is as it was. Not looked at again, because no route led there before: ${unseen.join(", ")}.`;
  }
}

/** What must be done is tried again where the API seems to be in passing trouble; each of it may be done twice. */
async function insisting(action) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await action();
    } catch (error) {
      if (!error.isPassing || tries === INSISTED) throw error;
      await sleep(1000 * tries);
    }
  }
}

const share = (version_id, percentage) => ({ version_id, percentage });

const sameVersions = (some, others) =>
  some.length === others.length &&
  others.every((one) => some.some((it) => it.version_id === one.version_id && it.percentage === one.percentage));

/** Where people reach the worker that is deployed, if its routes lead there. */
export const reachedAt = ({ worker, before }) => before.health ?? worker.health;

/** Whether the routes that are there lead to the worker where it says how it is. */
export const isReached = (part) => leadTo(part.before.routes.ours, reachedAt(part));

function withStatus(cause, status, message) {
  return Object.assign(new Failure(message, { cause }), { status });
}

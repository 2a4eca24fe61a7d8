// All that runs: started in order, ended in reverse, and restarted one by one without a gap.

import { execFileSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Instance } from "./instance.mjs";
import { processes } from "./processes.mjs";

/** What came before an instance was taken out has reached it by then. */
const SETTLED_MS = 300;
/** nginx keeps an idle connection of a client's for five seconds: by then none is left that it would have to close. */
const LEFT_MS = 6_000;
const RELOADED_WITHIN_MS = 10_000;
/** How often one that is out is looked at, to see whether it is ready after all. */
const LOOK_EVERY_MS = 500;
/** The order of a rolling restart: nobody before what it needs. */
const ROLLING = ["bridge", "auth", "verify"];

export class Fleet {
  #ending = new AbortController();
  #restart = Promise.resolve();
  #groups;
  #graceMs;
  #out;
  #say;
  /** Those that are out because they did not come back, each with what waits for it. */
  #awaited = new Map();

  constructor(world, say) {
    [this.#graceMs, this.#out, this.#say] = [world.graceMs, world.paths.out, say];
    const made = (all) => all.map((one) => new Instance(one, say, world.readyMs));
    this.#groups = Object.fromEntries(Object.entries(processes(world)).map(([kind, all]) => [kind, made(all)]));
  }

  get all() {
    return Object.values(this.#groups).flat();
  }

  /** Each group at once, one group after the other. */
  async start() {
    for (const group of Object.values(this.#groups)) await Promise.all(group.map((instance) => this.#start(instance)));
  }

  /** Nothing is started any more once all of it is told to end. */
  async #start(instance) {
    if (this.#ending.signal.aborted) throw new Error("it was told to end");
    await instance.start();
  }

  /**
   * nginx first, so that nobody comes any more; then everything else, while Redis is still there. A restart that is under way
   * breaks off, and is over after this.
   */
  async stop() {
    this.#ending.abort();
    const { nginx, redis, ...others } = this.#groups;
    const end = (instances) => Promise.all(instances.map((instance) => instance.stop(this.#graceMs)));
    await end(nginx);
    await end(Object.values(others).flat());
    await end(redis);
    await this.#restart.catch(() => {});
  }

  /** A line for each: `name pid state restarts`; of one that nginx gives no request, the state ends in `, out`. */
  async status() {
    const line = async (instance) => {
      const state = (await instance.isReady()) ? "ready" : instance.pid ? "not ready" : "down";
      const [name, pid] = [instance.name.padEnd(10), String(instance.pid ?? "-").padEnd(8)];
      const seen = this.#isOut(instance) ? `${state}, out` : state;
      return `${name} ${pid} ${seen.padEnd(14)} started again ${instance.restarts} times`;
    };
    return Promise.all(this.all.map(line));
  }

  /**
   * A rolling restart of everything but Redis, as `world` is now. An instance that does not come back ends it: the others are
   * as they were, and it is put back whenever it is ready.
   */
  restart(world) {
    this.#restart = this.#roll(Object.values(processes(world)).flat()).catch((error) => {
      throw this.#ending.signal.aborted ? new Error("it was told to end while it restarted") : error;
    });
    return this.#restart;
  }

  async #roll(now) {
    const described = (instance) => now.find(({ name }) => name === instance.name);
    for (const kind of ROLLING) {
      // Who is out is back before another one is taken out.
      const inTurn = this.#groups[kind].toSorted((one, other) => this.#isOut(other) - this.#isOut(one));
      for (const instance of inTurn) await this.#renew(instance, described(instance), this.#groups[kind]);
    }
    const [chores] = this.#groups.chores;
    await chores.stop(this.#graceMs);
    chores.update(described(chores));
    await this.#start(chores);
    await this.#renewNginx();
  }

  async #renew(instance, description, group) {
    const began = Date.now();
    if (group.length > 1) await this.#takeOut(instance, group);
    else this.#say(`${instance.name} is the only one of its kind: while it restarts, nobody answers`);
    try {
      if (!(await instance.stop(this.#graceMs)))
        this.#say(`${instance.name} was not done after ${this.#graceMs / 1000} s, and was killed`);
      instance.update(description);
      await this.#start(instance);
    } catch (error) {
      void this.#putBackOnceReady(instance);
      throw error;
    }
    this.#putBack(instance);
    this.#say(`${instance.name} restarted in ${Date.now() - began} ms`);
  }

  /** From here on nginx gives it no request. nginx can do without one of a kind, and no more. */
  async #takeOut(instance, group) {
    const other = group.find((one) => one !== instance && this.#isOut(one));
    if (other) throw new Error(`${other.name} is out already: put it back by deleting ${this.#mark(other)}`);
    this.#awaited.delete(instance);
    writeFileSync(this.#mark(instance), "");
    await sleep(SETTLED_MS);
  }

  #putBack(instance) {
    this.#awaited.delete(instance);
    rmSync(this.#mark(instance), { force: true });
  }

  /** Until somebody takes it out anew. */
  async #putBackOnceReady(instance) {
    if (!this.#isOut(instance)) return;
    const { signal } = this.#ending;
    const wait = Symbol();
    this.#awaited.set(instance, wait);
    const isWaiting = () => this.#awaited.get(instance) === wait && !signal.aborted;
    while (isWaiting()) {
      const isReady = await instance.isReady();
      if (isReady && isWaiting()) {
        this.#putBack(instance);
        this.#say(`${instance.name} is ready after all, and back`);
      } else await sleep(LOOK_EVERY_MS, undefined, { ref: false });
    }
  }

  #mark({ name }) {
    return join(this.#out, name);
  }

  #isOut(instance) {
    return existsSync(this.#mark(instance));
  }

  /** New processes of nginx, by a reload; before it, clients are told to close their connections by themselves. */
  async #renewNginx() {
    const [nginx] = this.#groups.nginx;
    const mark = join(this.#out, "nginx");
    writeFileSync(mark, "");
    try {
      await sleep(LEFT_MS, undefined, this.#ending);
      const before = childrenOf(nginx.pid);
      nginx.signal("SIGHUP");
      const isReloaded = () => childrenOf(nginx.pid).some((pid) => !before.includes(pid));
      await until(isReloaded, "nginx did not reload: see its log", this.#ending);
      await sleep(SETTLED_MS, undefined, this.#ending);
    } finally {
      rmSync(mark, { force: true });
    }
    this.#say("nginx reloaded");
  }
}

/** The children of a process. */
export function childrenOf(pid) {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
  const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.filter(([, parent]) => parent === pid).map(([child]) => child);
}

async function until(isSo, otherwise, { signal }) {
  const deadline = Date.now() + RELOADED_WITHIN_MS;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(otherwise);
    await sleep(50, undefined, { signal });
  }
}

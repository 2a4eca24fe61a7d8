// All that runs: started in order, ended in reverse, and restarted one by one without a gap.

import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Instance } from "./instance.mjs";
import { processes } from "./processes.mjs";

/** What came before an instance was taken out has reached it by then. */
const SETTLED_MS = 300;
/** nginx keeps an idle connection of a client's for five seconds: by then none is left that it would have to close. */
const LEFT_MS = 6_000;
const RELOADED_WITHIN_MS = 10_000;
/** The order of a rolling restart: nobody before what it needs. */
const ROLLING = ["bridge", "auth", "verify"];

export class Fleet {
  #groups;
  #graceMs;
  #out;
  #say;

  constructor(world, say) {
    [this.#graceMs, this.#out, this.#say] = [world.graceMs, world.paths.out, say];
    const groups = Object.entries(processes(world)).map(([kind, all]) => [kind, all.map((one) => new Instance(one, say))]);
    this.#groups = Object.fromEntries(groups);
  }

  get all() {
    return Object.values(this.#groups).flat();
  }

  /** Each group at once, one group after the other. */
  async start() {
    for (const group of Object.values(this.#groups)) await Promise.all(group.map((instance) => instance.start()));
  }

  /** nginx first, so that nobody comes any more; then everything else, while Redis is still there. */
  async stop() {
    const { nginx, redis, ...others } = this.#groups;
    const end = (instances) => Promise.all(instances.map((instance) => instance.stop(this.#graceMs)));
    await end(nginx);
    await end(Object.values(others).flat());
    await end(redis);
  }

  /** A line for each: `name pid state restarts`. */
  async status() {
    const line = async (instance) => {
      const state = (await instance.isReady()) ? "ready" : instance.pid ? "not ready" : "down";
      const [name, pid] = [instance.name.padEnd(10), String(instance.pid ?? "-").padEnd(8)];
      return `${name} ${pid} ${state.padEnd(10)} started again ${instance.restarts} times`;
    };
    return Promise.all(this.all.map(line));
  }

  /**
   * A rolling restart of everything but Redis, as `world` is now. An instance that does not come back ends it: the others are
   * as they were.
   */
  async restart(world) {
    const now = Object.values(processes(world)).flat();
    for (const instance of this.all) instance.update(now.find(({ name }) => name === instance.name));
    for (const kind of ROLLING) {
      for (const instance of this.#groups[kind]) await this.#renew(instance, this.#groups[kind].length > 1);
    }
    const [chores] = this.#groups.chores;
    await chores.stop(this.#graceMs);
    await chores.start();
    await this.#renewNginx();
  }

  async #renew(instance, hasOthers) {
    const began = Date.now();
    if (!hasOthers) this.#say(`${instance.name} is the only one of its kind: while it restarts, nobody answers`);
    const putBack = await this.#takeOut(hasOthers && instance.name);
    if (!(await instance.stop(this.#graceMs)))
      this.#say(`${instance.name} was not done after ${this.#graceMs / 1000} s, and was killed`);
    await instance.start();
    putBack();
    this.#say(`${instance.name} restarted in ${Date.now() - began} ms`);
  }

  /** From here on nginx gives it no request, until what this gives is called. */
  async #takeOut(name) {
    if (!name) return () => {};
    const mark = join(this.#out, name);
    writeFileSync(mark, "");
    await sleep(SETTLED_MS);
    return () => rmSync(mark);
  }

  /** New processes of nginx, by a reload; before it, clients are told to close their connections by themselves. */
  async #renewNginx() {
    const [nginx] = this.#groups.nginx;
    const mark = join(this.#out, "nginx");
    writeFileSync(mark, "");
    await sleep(LEFT_MS);
    const before = childrenOf(nginx.pid);
    nginx.signal("SIGHUP");
    await until(() => childrenOf(nginx.pid).some((pid) => !before.includes(pid)), "nginx did not reload: see its log");
    await sleep(SETTLED_MS);
    rmSync(mark);
    this.#say("nginx reloaded");
  }
}

/** The children of a process. */
export function childrenOf(pid) {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
  const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.filter(([, parent]) => parent === pid).map(([child]) => child);
}

async function until(isSo, otherwise) {
  const deadline = Date.now() + RELOADED_WITHIN_MS;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(otherwise);
    await sleep(50);
  }
}

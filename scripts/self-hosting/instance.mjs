// One process that is meant to run, and is started again whenever it ends by itself.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { dyingWithParent } from "../common/command.mjs";
import { Misconfigured } from "./probe.mjs";

const LOOK_EVERY_MS = 100;
/** Who ends sooner than this is started again after a pause, each time twice as long. */
const STEADY_MS = 5_000;
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [50, 10_000];
/** How much of its log is shown of one that does not become ready: requests, which are ours, are left out. */
const TOLD_LINES = 12;

export class Instance {
  #options;
  #child;
  #ended;
  #wanted = false;
  #pause = FIRST_PAUSE_MS;
  #say;
  #readyMs;

  /**
   * `name` as in `verify-1`; `command`, `args`, `env` of the process, whose output goes to the file `log`; `isReady()` tells
   * whether it answers. `farewell` is the signal that ends it in order, `orphan` the one it gets when the supervisor is killed.
   * It may take `readyMs` to be ready.
   */
  constructor(process, say, readyMs) {
    this.name = process.name;
    this.restarts = 0;
    [this.#say, this.#readyMs] = [say, readyMs];
    this.update(process);
  }

  /** What its next start is like. */
  update({ command, args, env = {}, log, isReady, farewell = "SIGTERM", orphan = "KILL" }) {
    this.#options = { command, args, env, log, isReady, farewell, orphan };
  }

  get pid() {
    return this.#child?.pid;
  }

  /** Starts it, and waits until it is ready. */
  async start() {
    this.#wanted = true;
    this.#spawn();
    await this.untilReady();
  }

  async untilReady() {
    const deadline = Date.now() + this.#readyMs;
    const fail = (why) => {
      throw new Error(`${this.name} ${why}. Its log (${this.#options.log}) ends so:\n${this.#lastWords()}`);
    };
    const giveUp = (error) => error instanceof Misconfigured && fail("cannot start: its settings have faults");
    while (!(await this.isReady(giveUp))) {
      if (!this.#wanted) fail("was told to end before it was ready");
      if (Date.now() > deadline) fail(`is not ready after ${this.#readyMs / 1000} s`);
      await sleep(LOOK_EVERY_MS);
    }
  }

  /** Whether it runs and answers; `onError` gets why it could not be asked. */
  async isReady(onError = () => {}) {
    const asked = async () => this.#child !== undefined && (await this.#options.isReady());
    return asked().catch((error) => {
      onError(error);
      return false;
    });
  }

  signal(name) {
    this.#child?.kill(name);
  }

  /** Ends it in order, insists after `graceMs`, and waits until it is gone. False if it had to be killed. */
  async stop(graceMs) {
    this.#wanted = false;
    const ended = this.#ended;
    if (!this.#child) return true;
    this.signal(this.#options.farewell);
    const late = Symbol();
    const first = await Promise.race([ended, sleep(graceMs, late, { ref: false })]);
    if (first !== late) return true;
    this.signal("SIGKILL");
    await ended;
    return false;
  }

  #spawn() {
    const { command, args, env, log, orphan } = this.#options;
    const [file, argv] = dyingWithParent(command, args, orphan);
    const output = openSync(log, "a", 0o600);
    const child = spawn(file, argv, { stdio: ["ignore", output, output], env: { PATH: process.env.PATH, ...env } });
    closeSync(output);
    this.#child = child;
    const began = Date.now();
    this.#ended = Promise.race([once(child, "exit"), once(child, "error")]).catch((error) => [error]);
    void this.#ended.then(([code, signal]) => this.#gone(began, signal ?? code));
  }

  async #gone(began, reason) {
    this.#child = undefined;
    if (!this.#wanted) return;
    this.restarts += 1;
    this.#pause = Date.now() - began < STEADY_MS ? Math.min(this.#pause * 2, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS;
    this.#say(`${this.name} ended (${reason}); started again`);
    await sleep(this.#pause, undefined, { ref: false });
    if (this.#wanted && !this.#child) this.#spawn();
  }

  #lastWords() {
    const lines = readFileSync(this.#options.log, "utf8").trimEnd().split("\n");
    return lines
      .filter((line) => !line.includes('"msg":"request"'))
      .slice(-TOLD_LINES)
      .join("\n");
  }
}

// What the people do: a steady stream of deeds, each by somebody drawn at random.

import { setTimeout as sleep } from "node:timers/promises";

import { endOther, me, signIn, signOut } from "./calls.mjs";
import { browse, browsePublic, STRANGERS, showEnded } from "./visits.mjs";

const DEEDS = {
  browse: 56,
  ended: 12,
  public: 5,
  nothing: 4,
  forged: 4,
  other_device: 5,
  stolen: 5,
  me: 4,
  sign_out: 2,
  sign_out_everywhere: 0.5,
  end_other: 1,
  sign_in_again: 1,
};

/** Those of whom one waits for so many answers do not ask for more. */
const MOST_IN_FLIGHT = 300;

export class Crowd {
  #isPaused = false;
  #running;

  constructor(world, people) {
    this.world = world;
    this.devices = people.flatMap(({ devices }) => devices);
  }

  /** Everybody signs in on each of their devices, a few at a time. */
  async arrive() {
    const waiting = [...this.devices];
    const one = async () => {
      for (let device = waiting.pop(); device; device = waiting.pop()) {
        while (device.person.isBusy) await sleep(10);
        // A machine that does other things, too, may be late now and then.
        for (let tries = 0; tries < 5 && !device.session; tries += 1) await signIn(this.world, device);
        if (!device.session) throw new Error(`${device.person.email} cannot sign in, and nothing is wrong yet`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, one));
  }

  /** The share of devices on which somebody is signed in. */
  get signedIn() {
    return this.devices.filter(({ session }) => session && !session.isDoubtful).length / this.devices.length;
  }

  /** Begins, at so many deeds a second. */
  start(rate) {
    this.#running = this.#run(rate);
  }

  async #run(rate) {
    const began = performance.now();
    for (let done = 0; this.#running !== null; done += 1) {
      const ahead = began + (done * 1000) / rate - performance.now();
      if (ahead > 1) await sleep(ahead);
      if (this.#isPaused || this.world.inFlight.size >= MOST_IN_FLIGHT) continue;
      void this.deed();
    }
  }

  /** Nobody begins anything; resolves once all that was begun is over. */
  async pause() {
    this.#isPaused = true;
    await this.world.quiet();
  }

  resume() {
    this.#isPaused = false;
  }

  async stop() {
    const running = this.#running;
    this.#running = null;
    await running;
    await this.world.quiet();
  }

  /** One deed of somebody's. */
  deed() {
    const { world, devices } = this;
    const { random } = world;
    const device = random.pick(devices);
    const what = random.weighted(DEEDS);
    if (what === "public") return browsePublic(world, device);
    if (what === "nothing") return STRANGERS.nothing(world, device);
    const ended = what === "ended" && world.graves.pick(random);
    if (ended) return showEnded(world, ended);
    const { session, person } = device;
    if (!session) return signIn(world, device);
    // Whoever is not sure to be signed out tries again.
    if (session.isDoubtful && random.happens(0.3)) return signOut(world, device, "local");
    switch (what) {
      case "forged":
      case "stolen":
        return STRANGERS[what](world, device);
      case "other_device":
        return STRANGERS.other_device(world, device, random.pick(devices.filter((other) => other.person !== person)));
      case "me":
        return me(world, device);
      case "sign_out":
        return signOut(world, device, "local");
      case "sign_out_everywhere":
        return signOut(world, device, "global");
      case "sign_in_again":
        return signIn(world, device);
      case "end_other": {
        const other = person.devices.find((other) => other !== device && other.session);
        return other ? endOther(world, device, other) : browse(world, device);
      }
      default:
        return browse(world, device);
    }
  }

  /** Each session that is alive, and each that has ended, is shown once more, at every gateway. */
  async showAll() {
    const alive = this.devices.filter(({ session }) => session);
    const gateways = this.world.gateways;
    for (const gateway of gateways) {
      this.world.gateways = [gateway];
      for (const device of alive) if (device.session) await browse(this.world, device);
      for (const session of this.world.graves.all().slice(-500)) await showEnded(this.world, session);
    }
    this.world.gateways = gateways;
  }
}

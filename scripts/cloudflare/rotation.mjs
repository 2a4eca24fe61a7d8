// Changes a secret in three steps, between which time must pass, so that nobody is signed out and no verifier is surprised:
//
// begin   the new value comes last: everybody learns to read what it makes, before anything is made under it
// switch  the new value comes first: from now on everything is made under it
// finish  the old ones go, once nothing is left that was made under them
//
// Workers change from one list to the next one after the other, and isolates, too; of two lists that are neighbours, each
// reads whatever the other makes. The file keeps which step was taken and when, so that none can be taken too early, and the
// longest lives that were configured since the first: what was made under those keeps its own, though a setting was lowered.

import { Failure } from "../common/failure.mjs";
import { itemsOf, listOf, made } from "../common/secret-values.mjs";

const MINUTE = 60;
/** By then the last isolate and the last request with the settings of before are gone, seconds after a deploy as a rule. */
const EVERYWHERE = 10 * MINUTE;
/** Applications keep the published keys, for five minutes or as their library likes it. */
const PUBLISHED = 60 * MINUTE;
/** How long an assertion lives. */
const ASSERTION = MINUTE;

/** For how many seconds what was made under a value is used, by the variables of the workers. */
const LIVES = {
  SESSION_SECRET: ({ session }) => session,
  FERNET_KEYS: ({ session }) => session,
  FINGERPRINT_SECRET: ({ session, device }) => Math.max(session, device),
  ASSERTION_KEYS: () => ASSERTION,
};

export const canRotate = (name) => name in LIVES;

/** What to wait for after the step `step`, in seconds, and why. */
function waitAfter(step, name, lifetimes) {
  if (step === "begin") {
    if (name === "ASSERTION_KEYS")
      return { seconds: PUBLISHED, why: "applications may keep the list of keys without the new one for so long" };
    return { seconds: EVERYWHERE, why: "some isolates may not know the new value yet" };
  }
  return { seconds: LIVES[name](lifetimes) + EVERYWHERE, why: "what was made under the old value is in use for so long" };
}

/** The longest lifetimes among several sets of the workers' variables. */
export function lifetimesOf(vars) {
  const longest = (variable, otherwise) => Math.max(...vars.map((one) => Number(one[variable] || otherwise)));
  return { session: longest("SESSION_MAX_SECONDS", 86_400), device: longest("DEVICE_TTL_SECONDS", 86_400) };
}

/** The longer ones of two. */
function longer(some, others = {}) {
  return Object.fromEntries(Object.entries(some).map(([of, seconds]) => [of, Math.max(seconds, others[of] ?? 0)]));
}

/**
 * Takes the next step of changing `name` in `file`: the file has the new list afterwards, and the step without a time, until
 * `taken`. A step whose upload failed is taken once more. Gives the step.
 */
export function nextStep(file, name, lifetimes, now = Date.now()) {
  const { rotations } = file.state;
  const current = rotations[name];
  if (current && !current.at) return current.step;
  if (!current) {
    const value = file.get(name);
    if (!value) throw new Failure(`${file.path} has no ${name} to change; make it first`);
    file.set(name, listOf(name, [...itemsOf(name, value), made(name)]));
    rotations[name] = { step: "begin", lifetimes };
  } else {
    const due = dueAt(current, name, lifetimes);
    if (now < due.at) {
      throw new Failure(
        `It is too early to ${current.step === "begin" ? "switch" : "finish"}: not before ${stamp(due.at)}, because ${due.why}`,
      );
    }
    const items = itemsOf(name, file.get(name));
    if (current.step === "begin") {
      file.set(name, listOf(name, [items.at(-1), ...items.slice(0, -1)]));
      rotations[name] = { step: "switch", lifetimes: longer(lifetimes, current.lifetimes) };
    } else {
      file.set(name, listOf(name, items.slice(0, 1)));
      rotations[name] = { step: "finish" };
    }
  }
  file.write();
  return rotations[name].step;
}

/** The step was brought everywhere. Gives when the next one may be taken; undefined after the last. */
export function taken(file, name, lifetimes, now = Date.now()) {
  const { rotations } = file.state;
  const current = rotations[name];
  if (current.step === "finish") {
    delete rotations[name];
    file.write();
    return undefined;
  }
  current.at = new Date(now).toISOString();
  current.lifetimes = longer(lifetimes, current.lifetimes);
  file.write();
  return stamp(dueAt(current, name, lifetimes).at);
}

/** When the step after `current` may be taken: never sooner than was said when it was taken, but later if lives are longer. */
export function dueAt({ step, at, lifetimes: kept }, name, lifetimes) {
  const { seconds, why } = waitAfter(step, name, longer(lifetimes, kept));
  return { at: Date.parse(at) + seconds * 1000, why };
}

const stamp = (time) => new Date(time).toISOString().replace(/\.\d+Z$/, "Z");

// Who may get in: what a client knows of its sessions by the answers it got.

import { createHash } from "node:crypto";

/** How many events a session remembers. */
const REMEMBERED = 30;

/** A session, by what was said of it. Times are those of `performance.now()`. */
export class Session {
  /** Since when some request that would end it is on its way, or was lost. */
  endSentAt = Infinity;
  /** Since when it has ended for certain. */
  endedAt = Infinity;
  history = [];

  constructor({ token, person, device, bornAt }) {
    Object.assign(this, { token, person, device, bornAt });
    this.id = token.split(".")[0];
    this.note(bornAt, `signed in as ${person.email}`);
  }

  /** As the workers' logs name it. */
  get shortHash() {
    return createHash("sha256").update(this.id).digest("hex").slice(0, 8);
  }

  /** Whether it has ended, or may have. */
  get isDoubtful() {
    return this.endSentAt !== Infinity;
  }

  note(at, what) {
    if (this.history.length === REMEMBERED) this.history.splice(1, 1);
    this.history.push({ at, what });
  }

  /** A request that would end it leaves. */
  endSent(at, what) {
    this.endSentAt = Math.min(this.endSentAt, at);
    this.note(at, `${what} sent`);
  }

  /** It is known to have ended: that was acknowledged, or shown by a refusal. */
  ended(at, what) {
    if (this.endedAt <= at) return;
    this.endedAt = at;
    this.endSentAt = Math.min(this.endSentAt, at);
    this.note(at, what);
    this.person.sessions.delete(this);
  }

  /**
   * Whether a request that was under way from `started` to `finished` may get in: "yes", "no", or "either" where an end was
   * on its way at the same time, or was sent and never acknowledged.
   */
  may(started, finished) {
    if (started > this.endedAt) return "no";
    return finished >= this.endSentAt ? "either" : "yes";
  }
}

/** The sessions that ended, of which some are presented again. */
export class Graveyard {
  #sessions = [];

  constructor(most = 2000) {
    this.most = most;
  }

  add(session) {
    this.#sessions.push(session);
    if (this.#sessions.length > this.most) this.#sessions.shift();
  }

  all() {
    return [...this.#sessions];
  }

  /** One of all, but half of the time one of the last. */
  pick(random) {
    const from = random.happens(0.5) ? this.#sessions.slice(-30) : this.#sessions;
    return random.pick(from);
  }
}

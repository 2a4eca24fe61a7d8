// All that a run has: the stack, its faults, what is known of sessions, and the figures.

import { send } from "./client.mjs";
import { VIOLATIONS } from "./judge.mjs";
import { Graveyard } from "./model.mjs";
import { Tally } from "./tally.mjs";
import { Timeline } from "./timeline.mjs";

export class World {
  graves = new Graveyard();
  timeline = new Timeline();
  tally = new Tally();
  number = 0;
  inFlight = new Set();
  /** Is told of every answer. */
  onAnswer = () => {};

  constructor({ stack, hasDatabase, random, witness }) {
    Object.assign(this, { stack, gateways: stack.gateways, hasDatabase, random, witness });
  }

  /** Sends a request, and has `judge(answer, excuses)` say what its answer is; gives all three. */
  ask(asked, judge) {
    const pending = this.#ask(asked, judge);
    this.inFlight.add(pending);
    return pending.finally(() => this.inFlight.delete(pending));
  }

  async #ask({ kind, at, request, withinMs, session }, judge) {
    this.number += 1;
    const { number } = this;
    request.headers["x-request-id"] = `chaos-${number}`;
    const answer = await send(at === "auth" ? this.stack.auth : at, request, withinMs);
    const faults = this.timeline.during(answer.started, answer.ended);
    const excuses = this.#excuses(at, faults, session);
    const verdict = judge(answer, excuses);
    const { is, why, may } = verdict;
    const source = /session;desc="(\w+)"/.exec(answer.headers["server-timing"] ?? "")?.[1];
    this.tally.count({ is, may, faults, source });
    if (VIOLATIONS.includes(is)) {
      session?.note(answer.started, `request ${number}: ${is}`);
      const to = at === this.gateways[1] ? "the quiet gateway" : at === "auth" ? "auth" : "the gateway";
      this.witness.report({ is, why, kind, number, at: to, request, answer, session, faults, may });
    }
    const result = { kind, answer, source, excuses, ...verdict };
    this.onAnswer(result);
    return result;
  }

  /** What the faults meanwhile excuse. */
  #excuses(at, faults, session) {
    const worker = at === "auth" ? "auth" : "gateway";
    const isWhereItWasLost = session !== undefined && this.timeline.lostSince(session.bornAt);
    return {
      isAway: faults.some(({ takes }) => takes === worker),
      bodiesAreCut: faults.some(({ cutsBodies }) => cutsBodies),
      dataMayBeLost: isWhereItWasLost && (!this.hasDatabase || faults.some(({ isOfDatabase }) => isOfDatabase)),
    };
  }

  /** Resolves once no request is on its way. */
  async quiet() {
    while (this.inFlight.size > 0) await Promise.allSettled(this.inFlight);
  }
}

// What the workers logged of a request, and the report of a violation.

import { describe } from "./judge.mjs";

/** Requests whose log lines are kept. */
const KEPT = 5000;
/** A worker's log lines come a little later than its answer. */
const LOGS_LATE_MS = 500;

export class Witness {
  #lines = new Map();

  #began = performance.now();
  #reports = [];

  constructor({ tell, most = 20 }) {
    Object.assign(this, { tell, most });
  }

  /** A time, as it is told. */
  at(time) {
    return `${((time - this.#began) / 1000).toFixed(3)} s`;
  }

  /** Takes a line of a worker's log. */
  log(line) {
    let record;
    try {
      record = JSON.parse(line);
    } catch {
      return;
    }
    const ids = [record.client_request_id, record.request_id].filter(Boolean);
    if (ids.length === 0) return;
    const lines = ids.map((id) => this.#lines.get(id)).find(Boolean) ?? [];
    lines.push(line);
    for (const id of ids) this.#lines.set(id, lines);
    while (this.#lines.size > 2 * KEPT) this.#lines.delete(this.#lines.keys().next().value);
  }

  /** Tells of a violation all that led to it, as soon as the logs are there. */
  report(violation) {
    if (this.#reports.length === this.most) this.tell("further violations are counted, and not told");
    if (this.#reports.length <= this.most) this.#reports.push(this.#report(violation));
  }

  async #report({ is, why, kind, number, at, request, answer, session, faults, may }) {
    await new Promise((resolve) => setTimeout(resolve, LOGS_LATE_MS));
    const id = answer.headers["x-request-id"];
    const history = session?.history.map((event) => `    ${this.at(event.at)}  ${event.what}`) ?? [];
    const logged = this.#lines.get(id) ?? this.#lines.get(`chaos-${number}`) ?? [];
    const text = [
      `VIOLATION ${is}: ${why}`,
      `  request ${number} (${kind}) to ${at}: ${request.method} ${request.path}, ${this.at(answer.started)} to ${this.at(answer.ended)}`,
      `  may get in: ${may ?? "not asked"}; answer: ${describe(answer)}; request id ${id ?? "none"}`,
      `  faults meanwhile: ${faults.map(({ name }) => name).join(", ") || "none"}`,
      session && `  session ${session.shortHash} of user ${session.person.id}:`,
      ...history,
      ...logged.map((line) => `  log: ${line}`),
      answer.text && `  body: ${answer.text.slice(0, 200)}`,
    ];
    this.tell(text.filter(Boolean).join("\n"));
  }

  /** Resolves once all is told. */
  async done() {
    await Promise.all(this.#reports);
  }
}

// What a check of Supabase comes to: each thing is well, wrong, or could not be seen.

/** A place in Supabase's dashboard, as one finds it. */
export const PLACES = {
  urls: "Authentication > URL Configuration",
  templates: "Authentication > Emails > Templates",
  smtp: "Authentication > Emails > SMTP Settings",
  email: "Authentication > Sign In / Providers > Email",
  providers: "Authentication > Sign In / Providers",
  limits: "Authentication > Rate Limits",
  protection: "Authentication > Attack Protection",
  factors: "Authentication > Multi-Factor",
  keys: "Project Settings > API Keys",
  sql: "SQL Editor",
};

export class Findings {
  #lines = [];
  wrong = 0;

  /** `what` is as it must be. */
  well(what) {
    this.#lines.push(`ok     ${what}`);
  }

  /** `what` is not; `place` is where to mend it, `todo` how, and `loss` what is broken until then. */
  fault(what, { place, todo, loss }) {
    this.wrong += 1;
    this.#lines.push(`WRONG  ${what}`, `       ${place}: ${todo}`, `       Until then: ${loss}`);
  }

  /** `what` could not be seen from here. */
  unseen(what, place) {
    this.#lines.push(`?      ${what} could not be checked; look at ${place}`);
  }

  /** Well where `isWell`, else a fault. */
  judge(isWell, what, fault) {
    if (isWell) this.well(what);
    else this.fault(fault.what ?? `not ${what}`, fault);
  }

  get text() {
    return `${this.#lines.join("\n")}\n\n${this.wrong} wrong`;
  }
}

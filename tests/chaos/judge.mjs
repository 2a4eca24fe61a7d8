// What to say of an answer: right, an honest refusal, or one of the four violations.

export const LET_IN = "let_in_without_right";
export const CAME_BACK = "ended_came_back";
export const VALID_ENDED = "valid_ended";
export const NEITHER = "neither_right_nor_honest";
export const VIOLATIONS = [LET_IN, CAME_BACK, VALID_ENDED, NEITHER];

const COOKIE_CLEARED = /^__Host-authflow=;/;

/** What an answer may be: it did what was asked, refused by right, or said that it cannot tell. */
const verdict = (is, why) => ({ is, why });
const DONE = verdict("done");
const REFUSED = verdict("refused");
const HONEST = verdict("honest");

/**
 * Judges a request through the gateway.
 *
 * `visit`: `{ method, target, body, may, person, isEnded }`; `may` as of `Session.may`, `person` who must be told to the
 * origin (none on a public route), `isEnded` whether the session presented has ended.
 * `excuses`: `{ bodiesAreCut, isAway, dataMayBeLost }`, what faults there were meanwhile.
 */
export function judgeVisit(visit, answer, excuses = {}) {
  if (answer.isLate) return verdict(NEITHER, "no whole answer in time");
  if (answer.status === 0) return excuses.isAway ? HONEST : verdict(NEITHER, `no answer: ${answer.failure}`);
  const echo = echoOf(answer);
  if (echo) return judgeEntry(visit, answer, echo, excuses);
  if (!answer.isWhole) return verdict(NEITHER, "an answer that is not the origin's, and broken off");
  const isKnown = visit.may === "yes" && visit.person !== undefined;
  if (isKnown && (asksToSignIn(answer) || clearsCookie(answer))) return endedWhileValid(answer, excuses);
  if (visit.may !== "yes" && asksToSignIn(answer)) return REFUSED;
  return isHonest(answer) ? HONEST : verdict(NEITHER, `${describe(answer)} is no answer to this`);
}

function judgeEntry(visit, answer, echo, { bodiesAreCut }) {
  if (visit.may === "no") {
    const why = `the origin was reached${echo.user ? ` as ${echo.user}` : ""}`;
    return verdict(visit.isEnded ? CAME_BACK : LET_IN, why);
  }
  const { person } = visit;
  if (echo.isWhole && (echo.user !== person?.id || echo.email !== person?.email)) {
    return verdict(LET_IN, `the origin was told ${echo.user} <${echo.email}>`);
  }
  if (!answer.isWhole) return bodiesAreCut ? DONE : verdict(NEITHER, "the origin's body was broken off");
  const { method, path, query, body } = echo.request;
  const target = query ? `${path}?${query}` : path;
  const isWhatWasSent = method === visit.method && target === visit.target && body === (visit.body ?? "");
  if (!isWhatWasSent) return verdict(NEITHER, "the origin got another request than was sent");
  if (echo.id !== answer.headers["x-request-id"]) return verdict(NEITHER, "the origin's answer is to another request");
  return DONE;
}

/** What the origin says it was asked, even if only its beginning came; undefined if the answer is not the origin's. */
function echoOf({ status, text, isWhole }) {
  if (status !== 200 || !text.startsWith('{"body":')) return undefined;
  let request;
  try {
    request = JSON.parse(text);
  } catch {
    return isWhole ? undefined : { isWhole: false };
  }
  const headers = new Map(request.headers);
  const [user, email, id] = ["x-user-id", "x-user-email", "x-request-id"].map((name) => headers.get(name));
  return { isWhole: true, request, user, email, id };
}

/**
 * Judges a call of the auth API.
 *
 * `call`: `{ status, may, isEnded, clears, mayBeMissing, isRight }`: the status that does it; as above, for a call that needs
 * a session; whether it clears the cookie in any case; whether what it names may be gone; what else must be true.
 */
export function judgeCall(call, answer, excuses = {}) {
  if (answer.isLate) return verdict(NEITHER, "no whole answer in time");
  if (answer.status === 0) return excuses.isAway ? HONEST : verdict(NEITHER, `no answer: ${answer.failure}`);
  if (!answer.isWhole) return verdict(NEITHER, "an answer that was broken off");
  if (answer.status === call.status) {
    if (call.may === "no") return verdict(call.isEnded ? CAME_BACK : LET_IN, `${describe(answer)} for whom it is not`);
    return call.isRight?.(answer) === false ? verdict(NEITHER, "not what was asked for") : DONE;
  }
  const isKnown = call.may === "yes";
  if (isKnown && (answer.status === 401 || (!call.clears && clearsCookie(answer)))) return endedWhileValid(answer, excuses);
  if (answer.status === 401 && call.may) return REFUSED;
  if (answer.status === 404 && call.mayBeMissing) return REFUSED;
  return isHonest(answer) ? HONEST : verdict(NEITHER, `${describe(answer)} is no answer to this`);
}

/** Where what Redis held is lost and the database away, nobody can tell; but that is to be said by another status. */
function endedWhileValid(answer, { dataMayBeLost }) {
  return dataMayBeLost ? HONEST : verdict(VALID_ENDED, `${describe(answer)} for a session that is alive`);
}

function clearsCookie({ headers }) {
  return (headers["set-cookie"] ?? []).some((cookie) => COOKIE_CLEARED.test(cookie));
}

/** Whether it is a refusal that sends to the sign-in, and a proper one. */
export function asksToSignIn(answer) {
  const { status, headers } = answer;
  if (status === 401) return typeof codeOf(answer) === "string";
  // The sign-in page that was kept, while the auth worker is away.
  const isKept = status === 503 && isPage(answer) && headers.refresh && Number(headers["retry-after"]) > 0;
  if (isKept) return /<\/html>\s*$/.test(answer.text);
  return (status === 302 || status === 303) && /\/auth\/signin\?/.test(headers.location ?? "");
}

/** Whether it refuses a session because that has ended. */
export function saysEnded(answer) {
  return codeOf(answer) === "session_expired" || /[?&]reason=session_expired$/.test(answer.headers.location ?? "");
}

/** Says what cannot be done now: with a code, to a person in the page's small print, and when to come again where it can. */
function isHonest(answer) {
  const { status, headers } = answer;
  if (![429, 502, 503, 504].includes(status)) return false;
  if ((status === 429 || status === 503) && !(Number(headers["retry-after"]) > 0)) return false;
  return isPage(answer) ? /<small>[a-z_]+ · /.test(answer.text) : typeof codeOf(answer) === "string";
}

const isPage = ({ headers }) => headers["content-type"]?.startsWith("text/html") === true;

/** The code of a problem. */
export function codeOf({ headers, text }) {
  if (headers["content-type"] !== "application/problem+json") return undefined;
  try {
    return JSON.parse(text).code;
  } catch {
    return undefined;
  }
}

/** In few words, what an answer is. */
export function describe(answer) {
  const { status, headers, failure } = answer;
  if (status === 0) return `no answer (${failure})`;
  return [status, codeOf(answer), headers.location && `to ${headers.location}`].filter(Boolean).join(" ");
}

// What people ask of the auth worker: to sign in and out, and who they are.

import { AUTH_MS } from "./bounds.mjs";
import { judgeCall } from "./judge.mjs";
import { Session } from "./model.mjs";
import { deviceHeaders, PASSWORD, tokenHeader } from "./people.mjs";

/** Signs in on a device; a session that it has is shown, and ends. */
export function signIn(world, device) {
  return alone(device.person, async () => {
    const { person, session: old } = device;
    const body = { email: person.email, password: PASSWORD };
    const isRight = ({ text }) => /"session_token":"/.test(text) && JSON.parse(text).user.id === person.id;
    old?.endSent(performance.now(), "sign-in in its place");
    const { answer, is } = await call(world, device, "signin", "POST", body, { status: 200, clears: true, isRight });
    if (is !== "done") return;
    old?.ended(answer.ended, "ended by the next sign-in");
    const session = new Session({ token: JSON.parse(answer.text).session_token, person, device, bornAt: answer.ended });
    person.sessions.add(session);
    device.session = session;
  });
}

/** Signs out, on this device or (`global`) on all. */
export function signOut(world, device, scope) {
  return alone(device.person, async () => {
    const { person, session } = device;
    const ending = scope === "global" ? [...person.sessions] : [session];
    const isAlive = !session.isDoubtful;
    for (const one of ending) one.endSent(performance.now(), `sign-out (${scope})`);
    const spec = { status: 204, clears: true };
    const { answer, is, excuses } = await call(world, device, "logout", "POST", { scope }, spec);
    if (is !== "done") return;
    // A session that nobody knows any more ends no others.
    const ended = isAlive && !excuses.dataMayBeLost ? ending : [session];
    for (const one of ended) bury(world, one, answer.ended, `sign-out (${scope}) acknowledged`);
    device.session = undefined;
  });
}

/** Ends a session of the same person on another device. */
export function endOther(world, device, other) {
  return alone(device.person, async () => {
    const { session } = other;
    const spec = { status: 204, session: device.session, mayBeMissing: session.isDoubtful };
    session.endSent(performance.now(), "its end, from another device,");
    const { answer, is } = await call(world, device, `sessions/${session.id}`, "DELETE", undefined, spec);
    if (is === "done") bury(world, session, answer.ended, "its end, from another device, acknowledged");
  });
}

/** Asks who one is. */
export function me(world, device) {
  const isRight = ({ text }) => JSON.parse(text).user.id === device.person.id;
  return call(world, device, "me", "GET", undefined, { status: 200, session: device.session, isRight });
}

/** Remembers a session as ended, to show it again. */
export function bury(world, session, at, what) {
  if (session.endedAt === Infinity) world.graves.add(session);
  session.ended(at, what);
}

/** One person's sessions are made and ended one at a time: what comes of two at once, nobody could tell. */
async function alone(person, deed) {
  if (person.isBusy) return;
  person.isBusy = true;
  try {
    await deed();
  } finally {
    person.isBusy = false;
  }
}

function call(world, device, path, method, body, { session, ...spec }) {
  const token = device.session?.token;
  const request = {
    method,
    path: `/api/v1/simple_auth/${path}`,
    headers: {
      ...deviceHeaders(device),
      ...(token && tokenHeader(device, token)),
      ...(body && { "content-type": "application/json" }),
    },
    body: body && JSON.stringify(body),
  };
  const kind = path.startsWith("sessions/") ? "end_other" : path;
  const asked = { kind, at: "auth", request, withinMs: AUTH_MS, session: device.session };
  return world.ask(asked, (answer, excuses) => {
    const may = session?.may(answer.started, answer.ended);
    return { may, ...judgeCall({ ...spec, may, isEnded: may === "no" }, answer, excuses) };
  });
}

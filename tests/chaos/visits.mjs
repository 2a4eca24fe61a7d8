// What people ask of the gateway, by right or not.

import { GATEWAY_MS } from "./bounds.mjs";
import { bury } from "./calls.mjs";
import { judgeVisit, saysEnded } from "./judge.mjs";
import { deviceHeaders, tokenHeader } from "./people.mjs";

const OTHER_AGENT =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";

/** A device opens a page, or sends something, with its own session. Once that is refused, it has none. */
export async function browse(world, device) {
  const { session, person } = device;
  const { answer, may, is } = await visit(world, { kind: "own", device, session, person });
  if (!saysEnded(answer)) return;
  // Had it been alive for certain, that would be a violation, but for the one case in which nobody can tell.
  if (may === "yes" && is === "honest") session.endSent(answer.ended, "a refusal while all that knew it was away");
  if (may === "either") bury(world, session, answer.ended, "refused as ended");
  if (may !== "yes" && device.session === session) device.session = undefined;
}

/** A device shows a session again that has ended. */
export function showEnded(world, session) {
  return visit(world, { kind: "ended", device: session.device, session, person: session.person });
}

/** Whoever has no session, or none of their own. */
export const STRANGERS = {
  nothing: (world, device) => visit(world, { kind: "nothing", device }),
  forged: (world, device) => visit(world, { kind: "forged", device, token: forge(device.session.token) }),
  /** The token of one device on another one. */
  other_device: (world, device, other) => visit(world, { kind: "other_device", device: other, token: device.session.token }),
  /** The token, from the same address, in another browser. */
  stolen: (world, device) =>
    visit(world, { kind: "stolen", device: { ...device, agent: OTHER_AGENT }, token: device.session.token }),
};

/** Somebody on a route that is open to all; who claims to be somebody is not believed. */
export function browsePublic(world, device) {
  return visit(world, { kind: "public", device, prefix: "/public" });
}

/** Another last letter in the MAC. Its last bits are not all used: another letter may not do, the first of the MAC always does. */
function forge(token) {
  const [id, mac] = token.split(".");
  return `${id}.${mac[0] === "A" ? "B" : "A"}${mac.slice(1)}`;
}

/** How long a gateway that slept through an outage of Redis may believe it too early (docs/OPERATIONS.md), on a busy machine. */
const TOO_EARLY_MS = 1500;

/** The second gateway gets so little that it may sleep through a fault, but is asked for what has ended. */
function gatewayFor({ gateways, random, timeline }, kind) {
  const [main, quiet = main] = gateways;
  if (timeline.justOver(TOO_EARLY_MS).some(({ on }) => on === "redis")) return main;
  return random.happens(kind === "ended" ? 0.05 : 0.003) ? quiet : main;
}

async function visit(world, { kind, device, session, token = session?.token, person, prefix }) {
  const { random } = world;
  const isPublic = prefix !== undefined;
  const navigates = device.isBrowser && random.happens(0.4);
  const sends = !navigates && random.happens(0.4);
  const body = sends ? `{"n":${world.number},"text":"${"ä🙂x".repeat(random.below(200))}"}` : undefined;
  const request = {
    method: sends ? "POST" : "GET",
    path: `${prefix ?? random.pick(["/app", "/backend"])}/${kind}/${world.number}?n=${random.below(1000)}`,
    headers: {
      ...deviceHeaders(device, { navigates }),
      ...(token && tokenHeader(device, token)),
      ...(body && { "content-type": "application/json" }),
      // Claims that must not reach the origin.
      "x-user-id": "00000000-0000-4000-8000-000000000000",
      "x-user-email": "root@example.test",
    },
    body,
  };
  return world.ask({ kind, at: gatewayFor(world, kind), request, withinMs: GATEWAY_MS, session }, (answer, excuses) => {
    const may = isPublic ? "yes" : (session?.may(answer.started, answer.ended) ?? "no");
    const asked = {
      method: request.method,
      target: request.path,
      body,
      may,
      person,
      isEnded: may === "no" && session !== undefined,
    };
    return { may, ...judgeVisit(asked, answer, excuses) };
  });
}

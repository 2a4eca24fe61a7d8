// Who asks, by the gateway's assertion and nothing else: the one place that verifies it.
// Settings: GATEWAY_URL, the issuer; ORIGIN_URL, this application as the gateway's route names it, the audience.

import { createRemoteJWKSet, jwtVerify } from "jose";
import { headers } from "next/headers";
import { cache } from "react";

export type User = { id: string; email: string; role: string; aal: string };

export const HEADER = "x-authflow-assertion";

function setting(name: "GATEWAY_URL" | "ORIGIN_URL"): URL {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return new URL(value);
}

function makeVerifier() {
  const gateway = setting("GATEWAY_URL");
  // The keys are fetched every ten minutes, and for an unknown one, but never twice within five seconds.
  const keys = createRemoteJWKSet(new URL("/.well-known/authflow/jwks.json", gateway), { cooldownDuration: 5_000 });
  const rules = {
    algorithms: ["ES256"],
    issuer: gateway.origin,
    audience: setting("ORIGIN_URL").origin,
    requiredClaims: ["exp", "sub"],
    // Seconds between two clocks.
    clockTolerance: 5,
  };
  return async (assertion: string): Promise<User> => {
    const { payload } = await jwtVerify<{ email: string; role: string; aal: string }>(assertion, keys, rules);
    return { id: payload.sub!, email: payload.email, role: payload.role, aal: payload.aal };
  };
}

let verifier: ReturnType<typeof makeVerifier> | undefined;

/** Made at the first call, not when the file is loaded: `next build` loads it, too, and has no settings. */
export function ready() {
  verifier ??= makeVerifier();
  return verifier;
}

/** The person for whom the assertion was made; throws where it was not made for us, or not now, or not by the gateway. */
export const verify = (assertion: string | null) => ready()(assertion ?? "");

/** Who asks, in pages, route handlers and server actions; verified once a request, however many ask. */
export const currentUser = cache(async () => verify((await headers()).get(HEADER)));

// An origin that believes the gateway's assertion, and nothing else, about who asks.
// Settings: PORT; GATEWAY_URL, the issuer; ORIGIN_URL, this origin as the gateway's route names it, the audience.

import { createServer } from "node:http";

import { createRemoteJWKSet, jwtVerify } from "jose";

const { PORT, GATEWAY_URL, ORIGIN_URL } = process.env;

// The keys are fetched every ten minutes, and for an unknown one, but never twice within five seconds.
const keys = createRemoteJWKSet(new URL("/.well-known/authflow/jwks.json", GATEWAY_URL), { cooldownDuration: 5_000 });

const rules = {
  algorithms: ["ES256"],
  // jose would leave out a check for `undefined`; a setting that is missing throws here.
  issuer: new URL(GATEWAY_URL).origin,
  audience: new URL(ORIGIN_URL).origin,
  requiredClaims: ["exp", "sub"],
  // Seconds between two clocks.
  clockTolerance: 5,
};

async function answer(request, response) {
  try {
    const { payload } = await jwtVerify(request.headers["x-authflow-assertion"] ?? "", keys, rules);
    const body = JSON.stringify({ user: payload.sub, email: payload.email, role: payload.role });
    response.writeHead(200, { "content-type": "application/json" }).end(body);
  } catch (error) {
    response.writeHead(401, { "content-type": "text/plain" }).end(`no valid assertion: ${error.message}\n`);
  }
}

createServer(answer).listen(Number(PORT), "127.0.0.1", () => console.log(`listening on 127.0.0.1:${PORT}`));

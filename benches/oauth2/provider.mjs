// A small OpenID provider on this machine: whoever comes is signed in as the one person there is.

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

import { exportJWK, generateKeyPair, SignJWT } from "jose";

/** Starts it: `{ issuer, stop }`. It knows one client, `bench`, and the person of `email`. */
export async function startProvider({ email }) {
  const { publicKey, privateKey } = await generateKeyPair("RS256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "bench", alg: "RS256", use: "sig" };
  const nonces = new Map();
  let issuer;

  const pages = {
    "/.well-known/openid-configuration": () => ({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/userinfo`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
    }),
    "/jwks": () => ({ keys: [jwk] }),
    "/userinfo": () => ({ sub: "bench", email, email_verified: true }),
    async "/token"(form) {
      const nonce = nonces.get(form.get("code"));
      if (!nonces.delete(form.get("code"))) return { error: "invalid_grant" };
      const claims = { email, email_verified: true, ...(nonce ? { nonce } : {}) };
      const token = new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "bench" });
      const idToken = await token
        .setIssuer(issuer)
        .setAudience("bench")
        .setSubject("bench")
        .setIssuedAt()
        .setExpirationTime("12h")
        .sign(privateKey);
      return { access_token: randomUUID(), token_type: "Bearer", expires_in: 43_200, id_token: idToken };
    },
  };

  /** Where the browser goes on, with a code in hand. */
  function authorize(query) {
    const code = randomUUID();
    nonces.set(code, query.get("nonce"));
    const back = new URL(query.get("redirect_uri"));
    back.searchParams.set("code", code);
    back.searchParams.set("state", query.get("state"));
    return back.href;
  }

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, issuer);
    let body = "";
    for await (const text of request.setEncoding("utf8")) body += text;
    if (pathname === "/authorize") {
      response.writeHead(302, { location: authorize(searchParams) }).end();
    } else if (pages[pathname]) {
      const answer = JSON.stringify(await pages[pathname](new URLSearchParams(body)));
      response.writeHead(200, { "content-type": "application/json" }).end(answer);
    } else {
      response.writeHead(404).end();
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  issuer = `http://127.0.0.1:${server.address().port}`;
  return {
    issuer,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

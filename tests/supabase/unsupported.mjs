// The recorded cases that the stand-in does not play, and why.

const SERVERS = {
  es256: "tokens are signed HS256 alone",
  "refresh-v2": "refresh tokens have the default format alone",
  "captcha-on": "there is no captcha",
  "anonymous-on": "there are no anonymous users",
};

const REQUESTS = [
  [/^GET \/admin\/audit/, "there is no audit log"],
  [/openid-configuration$/, "it is no OpenID provider"],
];

const CASES = {
  "generate-link-default-paths-behind-gateway": "its links keep the path of the issuer",
  "mail-default-paths-behind-gateway": "its links keep the path of the issuer",
  "admin-get-soft-deleted": "it keeps less of a deleted user",
  "options-preflight": "CORS is the gateway's",
  "cors-simple-request": "CORS is the gateway's",
};

/** Why a case is not played; undefined if it is. */
export function unsupported({ case: name, server, request }) {
  const matching = REQUESTS.find(([pattern]) => pattern.test(`${request.method} ${request.path}`));
  return CASES[name] ?? SERVERS[server] ?? matching?.[1];
}

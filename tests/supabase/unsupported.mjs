// The recorded cases that the stand-in does not play, and why.

const SERVERS = {
  "es256": "tokens are signed HS256 alone",
  "refresh-v2": "refresh tokens have the default format alone",
  "captcha-on": "there is no captcha",
  "anonymous-on": "there are no anonymous users",
  "reauth": "there is no reauthentication",
  "token-hash-mails": "it mails no notifications",
};

const REQUESTS = [
  [/^\w+ \/admin\/(generate_link|audit)/, "no such endpoint"],
  [/^POST \/(invite|otp)/, "no such endpoint"],
  [/^GET \/reauthenticate/, "no such endpoint"],
  [/^POST \/reauthenticate/, "no such endpoint"],
  [/openid-configuration$/, "it is no OpenID provider"],
];

const CASES = {
  "pkce-magiclink-mail-opened-late": "there are no magic links",
  "verify-invite-ok": "there are no invitations",
  "verify-invite-reused": "there are no invitations",
  "verify-invite-signups-disabled": "there are no invitations",
  "admin-get-soft-deleted": "it keeps less of a deleted user",
  "options-preflight": "CORS is the gateway's",
  "cors-simple-request": "CORS is the gateway's",
};

// Cases of the same files that belong to the endpoints above.
const PREFIXES = { "generate-link-": "no such endpoint" };

/** Why a case is not played; undefined if it is. */
export function unsupported({ case: name, server, request }) {
  const prefix = Object.keys(PREFIXES).find((start) => name.startsWith(start));
  const matching = REQUESTS.find(([pattern]) => pattern.test(`${request.method} ${request.path}`));
  return CASES[name] ?? SERVERS[server] ?? PREFIXES[prefix] ?? matching?.[1];
}

// The published flaws of gateways and of what our users build on. Each is stopped by a test in this folder whose title names
// it, as in "(O1, CVE-2026-40575)", or has the reason why it cannot apply here.

/** `id` is the row's, `advisory` its public name, `cause` what was wrong, `appliesNot` why it cannot be wrong here. */
export const ADVISORIES = [
  // oauth2-proxy
  { id: "O1", advisory: "CVE-2026-40575", cause: "the path that decides was taken from a client's header" },
  { id: "O2", advisory: "oauth2-proxy #3506", cause: "every proxy was trusted by default" },
  { id: "O3", advisory: "CVE-2026-34457", cause: "a probe's user agent counted as a sign-in on any path" },
  { id: "O4", advisory: "CVE-2026-41059", cause: "a decoded # satisfied a rule, and the origin cut there" },
  {
    id: "O5",
    advisory: "CVE-2026-40574",
    cause: "the end of an e-mail address with two @ decided who may enter",
    appliesNot: "no route admits by e-mail address; it asks for a role of the session",
  },
  { id: "O6", advisory: "CVE-2026-34454", cause: "the cookie was cleared after the head of the answer was written" },
  { id: "O7", advisory: "CVE-2025-64484", cause: "identity headers were stripped in one spelling alone" },
  { id: "O8", advisory: "CVE-2025-54576", cause: "a rule matched path and query" },
  { id: "O9", advisory: "CVE-2021-21291", cause: "a redirect's host was compared by its end" },
  { id: "O10", advisory: "CVE-2020-4037", cause: "whitespace between slashes of a redirect" },
  { id: "O11", advisory: "CVE-2020-11053", cause: "escaped whitespace between slashes of a redirect" },
  { id: "O12", advisory: "CVE-2020-5233", cause: "a backslash in a redirect" },
  { id: "O13", advisory: "CVE-2021-21411", cause: "a restriction stopped being enforced without anybody noticing" },
  { id: "O14", advisory: "oauth2-proxy #3365", cause: "an empty name in a list of groups matched people without any" },
  { id: "O15", advisory: "oauth2-proxy #2085", cause: "gateway and origin decoded a path differently" },
  { id: "O16", advisory: "oauth2-proxy's Redis store", cause: "any error on reading a session ended it" },

  // Authelia
  { id: "A1", advisory: "CVE-2026-48794", cause: "a rule's host was compared with case, and a laxer rule came next" },
  { id: "A2", advisory: "CVE-2026-47203", cause: "attempts were counted by the user name as it was written" },
  { id: "A3", advisory: "CVE-2025-24806", cause: "attempts were counted for user name and e-mail address separately" },
  { id: "A4", advisory: "CVE-2026-33525", cause: "a page repeated its address unescaped" },
  { id: "A5", advisory: "GHSA-x883-2vmg-xwf7", cause: "a live session kept groups that the user had lost" },
  { id: "A6", advisory: "CVE-2021-32637", cause: "what could not be parsed was let through" },
  { id: "A7", advisory: "CVE-2021-29456", cause: "the redirect at sign-out was not checked" },

  // Pomerium
  { id: "P1", advisory: "CVE-2023-33189", cause: "the route was matched twice, from two readings of the path" },
  { id: "P2", advisory: "CVE-2024-47616", cause: "any token of the shared key was accepted for any purpose" },
  { id: "P3", advisory: "CVE-2024-39315", cause: "the user's page held the identity provider's tokens" },
  { id: "P4", advisory: "CVE-2022-24797", cause: "debug pages and metrics were public" },
  { id: "P5", advisory: "CVE-2021-41230", cause: "claims were frozen at sign-in" },
  { id: "P6", advisory: "CVE-2021-39206", cause: "repeated headers and # in the target were misread" },
  { id: "P7", advisory: "CVE-2021-29652", cause: "a signature had to be there, and was never verified" },
  { id: "P8", advisory: "CVE-2021-29651", cause: "a credential was appended to a redirect" },
  { id: "P9", advisory: "Pomerium #6358", cause: "sign-out redirected anywhere" },

  // Ory Oathkeeper, Kratos and Hydra
  { id: "K1", advisory: "CVE-2026-33494", cause: "rules matched a path that the origin then normalised" },
  { id: "K2", advisory: "CVE-2026-33495", cause: "a client's header said which scheme's rules hold" },
  { id: "K3", advisory: "CVE-2026-33496", cause: "the key of a cached decision lacked what it depended on" },
  { id: "K4", advisory: "CVE-2021-32701", cause: "what was cached was not checked against the route's demands" },
  { id: "K5", advisory: "GHSA-w9mr-28mw-j8hg", cause: "Connection removed identity headers after they were set" },
  { id: "K6", advisory: "CVE-2024-45042", cause: "a session of one factor passed for one of two" },
  {
    id: "K7",
    advisory: "CVE-2026-33503",
    cause: "a forged page token was decoded into SQL",
    appliesNot: "there is no SQL, and no list here has pages: an admin's search ends at 50",
  },
  { id: "K8", advisory: "Oathkeeper's decisions API", cause: "forwarded headers of a direct call were believed" },

  // Supabase and Next.js
  { id: "S1", advisory: "GHSA-3529-5m8x-rpv3", cause: "a client's header chose the host of links in mails" },
  {
    id: "S2",
    advisory: "CVE-2026-31813",
    cause: "the issuer of an id token was taken from the token",
    appliesNot: "nobody signs in with an id token; Supabase is asked with a password, a mail's link or a code of its own",
  },
  { id: "S3", advisory: "CVE-2025-48370", cause: "an id went into a URL unparsed" },
  { id: "S4", advisory: "@supabase/ssr before 0.10.0", cause: "a shared cache could keep an answer that sets a cookie" },
  { id: "S5", advisory: "CVE-2025-29927", cause: "an internal header was believed from clients" },
  { id: "S6", advisory: "@supabase/ssr's README", cause: "two requests used one refresh token at once" },

  // Better Auth
  { id: "B1", advisory: "CVE-2024-56734", cause: "a mail's link redirected anywhere" },
  { id: "B2", advisory: "CVE-2025-27143", cause: "a redirect without a scheme left the site" },
  { id: "B3", advisory: "CVE-2025-71403", cause: "trusted origins were compared by pattern and prefix" },
  { id: "B4", advisory: "CVE-2025-53535", cause: "redirects of GET routes were not checked" },
  { id: "B5", advisory: "GHSA-9x4v-xfq5-m8x5", cause: "the error page printed a parameter" },
  { id: "B6", advisory: "CVE-2025-61928", cause: "a field of the body said who asks" },
  { id: "B7", advisory: "GHSA-wmjr-v86c-m9jj", cause: "an unsigned cookie named the session to end" },
  { id: "B8", advisory: "GHSA-569q-mpph-wgww", cause: "the first request's path became configuration" },
  { id: "B9", advisory: "GHSA-x732-6j76-qmhm", cause: "the limiter read the path unlike the router" },
  { id: "B10", advisory: "GHSA-xg6x-h9c9-2m83", cause: "a session was cached as valid before its second factor" },
  { id: "B11", advisory: "CVE-2026-45364", cause: "addresses were counted as they were written, IPv6 one by one" },
  { id: "B12", advisory: "CVE-2026-53516", cause: "an account of another provider was linked to an unverified address" },
  { id: "B13", advisory: "GHSA-qq9h-g4jm-xgf3", cause: "a password planted before the address was verified stayed" },
  { id: "B14", advisory: "GHSA-wxw3-q3m9-c3jr", cause: "a sign-in begun by somebody else was finished" },
  { id: "B15", advisory: "GHSA-7w99-5wm4-3g79", cause: "a one-time token was read first and used up later" },
  { id: "B16", advisory: "GHSA-2vg6-77g8-24mp", cause: "sessions lived on after their user's end" },
  {
    id: "B17",
    advisory: "CVE-2026-45337",
    cause: "somebody else's device was approved",
    appliesNot: "there is no device flow",
  },
  { id: "B18", advisory: "better-auth-cloudflare #61", cause: "a store that lags kept ended sessions, and lists lost entries" },

  // SuperTokens, Cloudflare, traefik-forward-auth
  {
    id: "U1",
    advisory: "supertokens-core 12.0.10",
    cause: "a SAML signature covered another element",
    appliesNot: "there is no SAML",
  },
  {
    id: "U2",
    advisory: "supertokens-node 24.0.2",
    cause: "an unknown client was redirected to where it asked",
    appliesNot: "there are no clients to register: neither SAML nor OAuth is served",
  },
  {
    id: "U3",
    advisory: "supertokens-core 12.1.0",
    cause: "no flaw: a grace period for refresh tokens",
    appliesNot: "clients get no refresh token that could be used twice",
  },
  { id: "C1", advisory: "Cloudflare's ACME path", cause: "a prefix of a path switched protection off" },
  { id: "C2", advisory: "CVE-2025-4143", cause: "a redirect was checked at one of its two steps" },
  { id: "C3", advisory: "Access's documentation", cause: "an origin took a header's presence for proof" },
  { id: "T1", advisory: "traefik-forward-auth", cause: "no flaw is published", appliesNot: "there is nothing to repeat" },
];

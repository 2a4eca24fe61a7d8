// The stand-in in a test's hands: a fresh server for each case, and what preconditions are made of.

import { createHmac } from "node:crypto";

import { decodeJwt } from "./matching.mjs";

export const PASSWORD = "correct horse battery 1A";
export const CHALLENGE = { code_challenge: "ZrpC1FaEqnRE6qXlDzfoV5sQGl4SJ3vxg_Hi1G1kSRc", code_challenge_method: "s256" };
export const VERIFIER = "recordings-code-verifier-0123456789-abcdefghij-klm";
const SECRET = "secret-of-the-recordings";
const DAY = 86_400;

/** What all recorded servers have in common. */
const COMMON = {
  gateway: false,
  jwt_secret: SECRET,
  issuer: "https://auth.example.test",
  site_url: "https://app.example.test",
  redirect_origins: ["https://preview.example.test"],
  providers: [],
  provider_url: "https://github.example.test/login/oauth/authorize",
};

/** By what a recorded server differs, as recordings/README.md says. */
export const SERVERS = {
  "confirm-on": {},
  autoconfirm: { autoconfirm: true },
  "signups-disabled": { disable_signup: true },
  "email-off": { email_enabled: false },
  "password-rules": {
    autoconfirm: true,
    min_password_length: 10,
    password_characters: ["abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"],
  },
  "current-password": { require_current_password: true },
  "single-confirm-change": { secure_email_change: false },
  "reuse-10": { autoconfirm: true, refresh_reuse_interval_seconds: 10 },
  "rotation-off": { autoconfirm: true, refresh_token_rotation: false },
  "single-session": { autoconfirm: true, single_session: true },
  "session-limits": { autoconfirm: true, session_timebox_seconds: DAY, session_inactivity_seconds: 3600 },
  "rate-limits": { mail_interval_seconds: 60, address_header: "x-forwarded-for", address_request_seconds: 300 },
  "sb-forwarded-for": { address_header: "x-forwarded-for", address_request_seconds: 300, sb_forwarded_for: true },
  "mail-quota": { mails_per_hour: 2 },
  reauth: { autoconfirm: true, require_reauthentication: true },
  "token-hash-mails": { issuer: "https://project.example.test/auth/v1", notifications: true },
  "smtp-broken": { mail_broken: true },
  "gateway-paths": { issuer: "https://project.example.test/auth/v1" },
  oauth: { providers: ["github"], manual_linking: true },
  "oauth-signups-disabled": { providers: ["github"], disable_signup: true },
  "totp-off": { autoconfirm: true, mfa_totp: false },
};

/** The code that an app makes of a secret in base 32, at `time` in Unix seconds. */
export function totp(secret, time = Date.now() / 1000) {
  const bits = [...secret].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"));
  const key = Buffer.from(
    bits
      .join("")
      .match(/.{8}/g)
      .map((byte) => Number.parseInt(byte, 2)),
  );
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(time / 30)));
  const mac = createHmac("sha1", key).update(counter).digest();
  const number = mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

export class World {
  constructor(url) {
    this.url = url;
  }

  /** An empty server of a recorded kind. */
  async start(server) {
    await this.control("/reset");
    await this.config({ ...COMMON, ...SERVERS[server] });
  }

  async control(path, body) {
    const headers = { "content-type": "application/json" };
    const response = await fetch(this.url + path, { method: "POST", headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${text}`);
    return text && JSON.parse(text);
  }

  config = (changes) => this.control("/config", changes);
  advance = (seconds) => this.control("/clock", { advance_seconds: seconds });

  /** A request that has to succeed; gives its body. */
  async call(method, path, { token, body } = {}) {
    const headers = { "content-type": "application/json" };
    if (token) headers.authorization = `Bearer ${token}`;
    const response = await fetch(`${this.url}/auth/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  /** A request that has to be refused, and why. */
  async refused(path, body, code, token) {
    const error = await this.post(path, body, token).then(
      () => undefined,
      (error) => error,
    );
    if (!error?.message.includes(`"error_code":"${code}"`)) throw new Error(`${path}: expected ${code}: ${error}`);
  }

  post = (path, body, token) => this.call("POST", path, { body, token });
  put = (path, body, token) => this.call("PUT", path, { body, token });

  /** A confirmed user, made by an admin unless `fields` say otherwise. */
  user = (email, fields = {}) =>
    this.post("/admin/users", { email, password: PASSWORD, email_confirm: true, ...fields }, SERVICE_KEY);

  changeUser = (id, fields) => this.put(`/admin/users/${id}`, fields, SERVICE_KEY);
  ban = (id) => this.changeUser(id, { ban_duration: "24h" });
  deleteUser = (id, soft) =>
    this.call("DELETE", `/admin/users/${id}`, { token: SERVICE_KEY, body: { should_soft_delete: soft } });

  /** Signs up by mail, and leaves the mail unopened. Gives the mail. */
  async signUp(email, fields = {}) {
    await this.post("/signup", { email, password: PASSWORD, ...fields });
    return this.mail();
  }

  signIn = (email, password = PASSWORD) => this.post("/token?grant_type=password", { email, password });

  /** A confirmed user who is signed in. */
  async session(email, fields) {
    await this.user(email, fields);
    return this.signIn(email, fields?.password);
  }

  /** Asks for recovery; gives the mail. */
  async recover(email, fields = {}) {
    await this.post("/recover", { email, ...fields });
    return this.mail();
  }

  /** Asks for a magic link; gives the mail. */
  async magicLink(email, fields = {}) {
    await this.post("/otp", { email, ...fields });
    return this.mail();
  }

  /** The user with an address. */
  async find(email) {
    const { users } = await this.call("GET", `/admin/users?filter=${encodeURIComponent(email)}`, { token: SERVICE_KEY });
    return users.find((user) => user.email === email);
  }

  verify = (type, mail) => this.post("/verify", { type, token_hash: mail.token_hash });
  logout = (session, scope) => this.post(`/logout?scope=${scope}`, undefined, session.access_token);

  enroll = (session, fields = {}) => this.post("/factors", { factor_type: "totp", ...fields }, session.access_token);

  /** Answers a challenge of a factor; gives the session at aal2. */
  async meet(session, factor) {
    const { id } = await this.post(`/factors/${factor.id}/challenge`, {}, session.access_token);
    const body = { challenge_id: id, code: totp(factor.totp.secret) };
    return this.post(`/factors/${factor.id}/verify`, body, session.access_token);
  }

  /** A user with a verified factor, and a session at aal2. */
  async mfaUser(email) {
    const { user, ...session } = await this.session(email);
    const factor = await this.enroll(session, { friendly_name: "phone app" });
    return { user, factor, session: await this.meet(session, factor) };
  }

  /** Begins a flow at the provider; gives its state. */
  async authorize(fields) {
    const query = new URLSearchParams(Object.entries({ provider: "github", ...fields }).filter(([, value]) => value));
    const response = await fetch(`${this.url}/auth/v1/authorize?${query}`, { redirect: "manual" });
    return new URL(response.headers.get("location")).searchParams.get("state");
  }

  /** Fills in the provider's form; gives the address it leads to. */
  async provider(fields) {
    const body = new URLSearchParams({ action: "allow", ...fields });
    const response = await fetch(`${this.url}/provider/authorize`, { method: "POST", body, redirect: "manual" });
    if (response.status !== 302) throw new Error(`provider: ${response.status} ${await response.text()}`);
    return response.headers.get("location");
  }

  /** Comes back from the provider in an implicit flow; gives the tokens. */
  async callback(fields) {
    const query = new URLSearchParams(fields);
    const response = await fetch(`${this.url}/auth/v1/callback?${query}`, { redirect: "manual" });
    return Object.fromEntries(new URLSearchParams(response.headers.get("location").split("#")[1]));
  }

  outbox = async () => (await fetch(`${this.url}/outbox`)).json();

  /** The newest mail, or the newest to an address. */
  mail = async (to) => (await this.outbox()).findLast((mail) => !to || mail.to === to);
}

/** A JWT as a project's legacy API key. */
const apiKey = (role) => sign({ iss: "supabase", role });

export function sign(claims, { secret = SECRET, header = { alg: "HS256", typ: "JWT" } } = {}) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** A session's access token with other claims; an `undefined` one goes. */
export function forge(session, changes, options) {
  return sign({ ...decodeJwt(session.access_token).claims, ...changes }, options);
}

export const EXPIRED = { exp: 1_700_000_000 };
export const SERVICE_KEY = apiKey("service_role");
export const KEYS = { anon_jwt: apiKey("anon"), service_role_jwt: SERVICE_KEY };

/** A user's access and refresh token as the recordings' first. */
export const first = (session) => ({
  "jwt:1": session.access_token,
  "refresh_token:12 chars:1": session.refresh_token,
});

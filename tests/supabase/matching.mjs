// Compares an answer with a recorded one, whose placeholders are described in recordings/README.md.

import assert from "node:assert/strict";

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const JWT = "[\\w-]+\\.[\\w-]+\\.[\\w-]+";

/** The shape of each kind of placeholder, without its identity. */
const SHAPES = {
  uuid: UUID,
  jwt: JWT,
  "refresh_token:12 chars": "[a-z0-9]{12}",
  "refresh_token_prefix:5 chars": "[a-z0-9]{5}",
  "token_hash:56 hex": "[0-9a-f]{56}",
  "token_hash:pkce_ + 56 hex": "pkce_[0-9a-f]{56}",
  "otp:6 digits": "[0-9]{6}",
  "totp_secret:32 base32": "[A-Z2-7]{32}",
  // How many decimals a time has tells whether the real server read it back from its database.
  rfc3339: "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,9})?Z",
  "rfc3339:nano": "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,9})?Z",
  "int:expires_at": "\\d{10}",
  "int:exp": "\\d{10}",
  "int:iat": "\\d{10}",
  "int:timestamp": "\\d{10}",
  "int:seconds": "\\d{1,2}",
};

const PLACEHOLDER = /<([a-z][^<>]+)>/g;

/** A picture of which only the beginning and the length are recorded. */
const CUT_PICTURE = /^(.*) \.\.\. <svg: (\d+) chars in all>$/s;

/** A user who only signed up by e-mail has one identity of this shape. */
const EMAIL_IDENTITY = [
  "identity_id",
  "id",
  "user_id",
  "identity_data",
  "provider",
  "last_sign_in_at",
  "created_at",
  "updated_at",
  "email",
];

/** Values known by their placeholder, such as `uuid:1`, within a case or a flow. */
export class Bindings {
  #values = new Map();

  set(values) {
    for (const [name, value] of Object.entries(values)) this.#values.set(name, value);
  }

  get(name) {
    assert.ok(this.#values.has(name), `nothing is known as <${name}>`);
    return this.#values.get(name);
  }

  /** A recorded request's value with its placeholders filled in. */
  fill(value) {
    if (typeof value === "string") {
      return value.replace(PLACEHOLDER, (_, name) => this.get(name));
    }
    if (Array.isArray(value)) return value.map((item) => this.fill(item));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.fill(item)]));
    }
    return value;
  }

  /** Asserts that `actual` is what was recorded. */
  match(expected, actual, path) {
    if (typeof expected === "string") return this.#matchText(expected, actual, path);
    if (Array.isArray(expected)) {
      assert.ok(Array.isArray(actual), `${path} is no array: ${JSON.stringify(actual)}`);
      assert.equal(actual.length, expected.length, `length of ${path}`);
      expected.forEach((item, index) => this.match(item, actual[index], `${path}[${index}]`));
      return;
    }
    if (expected && typeof expected === "object") return this.#matchObject(expected, actual, path);
    assert.equal(actual, expected, path);
  }

  #matchObject(expected, actual, path) {
    assert.ok(actual && typeof actual === "object", `${path} is no object: ${JSON.stringify(actual)}`);
    const { "...": cut, ...listed } = expected;
    if (!cut) assert.deepEqual(Object.keys(actual).sort(), Object.keys(listed).sort(), `fields of ${path}`);
    for (const [key, value] of Object.entries(listed)) {
      assert.ok(key in actual, `${path} lacks ${key}`);
      if (value === "<identities: email>") matchIdentities(actual[key], actual, `${path}.${key}`);
      else if (key === "amr") this.match(byMethod(value), byMethod(actual[key]), `${path}.amr`);
      else this.match(value, actual[key], `${path}.${key}`);
    }
  }

  #matchText(expected, actual, path) {
    const picture = CUT_PICTURE.exec(expected);
    if (picture) {
      assert.ok(actual.startsWith(picture[1]), `${path} begins with ${actual.slice(0, picture[1].length)}`);
      assert.equal(actual.length, Number(picture[2]), `length of ${path}`);
      return;
    }
    const names = [...expected.matchAll(PLACEHOLDER)].map(([, name]) => name);
    const isNumber = names.length === 1 && names[0].startsWith("int:") && expected === `<${names[0]}>`;
    if (names.length > 0) assert.equal(typeof actual, isNumber ? "number" : "string", path);
    const parts = expected.split(PLACEHOLDER).map((part, index) => (index % 2 ? `(${shape(part)})` : escaped(part)));
    const found = new RegExp(`^${parts.join("")}$`).exec(String(actual));
    assert.ok(found && (names.length > 0 || actual === expected), `${path}: ${JSON.stringify(actual)} is no ${expected}`);
    names.forEach((name, index) => this.#bind(name, found[index + 1], path));
  }

  #bind(name, value, path) {
    if (!/:\d+$/.test(name)) return;
    const [kind] = name.split(":");
    if (this.#values.has(name)) {
      // Two access tokens of one session differ once a second has passed.
      const same = kind === "jwt" ? sessionOf : (text) => text;
      assert.equal(same(value), same(this.#values.get(name)), `${path}: another value was known as <${name}>`);
    }
    const double = [...this.#values].find(([other, known]) => other !== name && known === value);
    assert.ok(kind === "jwt" || !double, `${path}: <${name}> is the value known as <${double?.[0]}>`);
    this.#values.set(name, value);
  }
}

/** The header and the claims of a JWT, not verified. */
export function decodeJwt(token) {
  const [header, claims] = token.split(".").map((part) => {
    try {
      return JSON.parse(Buffer.from(part, "base64url"));
    } catch {
      return undefined;
    }
  });
  return { header, claims };
}

/** Two proofs of one second come in any order. */
const byMethod = (amr) => amr.toSorted((a, b) => a.method.localeCompare(b.method));

function sessionOf(token) {
  const { claims } = decodeJwt(token);
  return `${claims?.sub} ${claims?.session_id}`;
}

function matchIdentities(identities, user, path) {
  assert.equal(identities?.length, 1, path);
  const [identity] = identities;
  assert.deepEqual(Object.keys(identity).sort(), [...EMAIL_IDENTITY].sort(), path);
  const { id, user_id, provider, email, identity_data: data } = identity;
  assert.deepEqual([id, user_id, provider, email], [user.id, user.id, "email", user.email], path);
  assert.deepEqual([data.sub, data.email, data.phone_verified], [user.id, user.email, false], path);
}

function shape(placeholder) {
  const kind = placeholder.replace(/:\d+$/, "");
  assert.ok(kind in SHAPES, `unknown placeholder <${placeholder}>`);
  return SHAPES[kind];
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

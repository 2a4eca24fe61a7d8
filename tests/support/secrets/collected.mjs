// What must not be logged, gathered from all that passes by: every text is taken for a secret unless it stands under
// one of the names below, so that what is new is a secret until somebody says that it is none.

import { createHash } from "node:crypto";

/** What a log may show, or what says nothing of anybody: by the name of a header or a field. */
const NO_SECRETS = new Set(
  `
  accept accept-encoding accept-language access-control-request-method allow cache-control connection content-encoding
  content-language content-length content-security-policy content-type cross-origin-opener-policy
  cross-origin-resource-policy date expires host keep-alive origin permissions-policy pragma ratelimit ratelimit-policy
  referrer-policy retry-after sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest sec-fetch-mode sec-fetch-site
  server-timing strict-transport-security te transfer-encoding upgrade user-agent vary www-authenticate
  x-content-type-options x-frame-options
  cdn-loop cf-connecting-ip cf-ew-via cf-worker upstash-sync-token x-forwarded-for x-forwarded-host x-forwarded-proto
  x-supabase-api-version
  aal alg aud crv detail details error hint iss issuer kid message method msg outcome role route service subject title
  typ type version
  `
    .trim()
    .split(/\s+/),
);

/** What names a person, a request or a factor, and opens nothing: wherever else it stands, it is no secret either. */
const NAMES = new Set(["factor_id", "request_id", "sub", "trace_id", "user_id", "x-request-id", "x-user-id"]);

/** Shorter ones are words of everyday, and no search could tell. */
const LEAST = 4;

/** A word or two, such as `no_session` or `EXPIRE`; small numbers and times. None of the run's secrets is like that. */
const PLAIN = /^(?:[A-Z]?[a-z]+(_[a-z]+)*|[A-Z]{1,10}|[+-]inf|[\d.]{1,5}|\d{10}|\d{13}|\d{4}-\d\d-\d\d[T ][\d:.+Z-]+)$/;

/** What is counted, on its way through Redis: it is shown to operators, and looked through itself. */
const SERIES = /^authflow_\w+\{/;

const SESSION_TOKEN = /^([\da-f-]{36})\.([\w-]{22})$/;
const JWT = /^[\w-]+\.(eyJ[\w-]+)\.[\w-]+$/;

export class Collected {
  /** Each secret with the names under which it was seen. */
  #secrets = new Map();

  /** What a log may show although a secret may hold it. */
  names = new Set();

  /** The secrets, each with its kind: the names of where it stood. */
  get secrets() {
    const names = [...this.names].join("\n");
    const all = [...this.#secrets].filter(([value]) => !names.includes(value));
    return new Map(all.map(([value, names]) => [value, kindOf([...names])]));
  }

  /** How many there are of each name. */
  get counts() {
    const counts = {};
    for (const names of this.#secrets.values()) {
      for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  has(value) {
    return this.#secrets.has(value);
  }

  /** A secret, whatever it looks like. */
  add(name, value) {
    if (value.length < LEAST) return;
    if (!this.#secrets.has(value)) this.#secrets.set(value, new Set());
    this.#secrets.get(value).add(name);
  }

  /** What one side sent to the other: headers as pairs, and a request's `target`. */
  message({ target = "", headers, body = "" }) {
    const [, factor] = /\/factors\/([\da-f-]{36})/.exec(target) ?? [];
    if (factor) this.names.add(factor);
    const at = target.indexOf("?");
    if (at >= 0) {
      this.add("query", target.slice(at + 1));
      this.take("query", target);
    }
    for (const [name, value] of headers) this.#header(name.toLowerCase(), value);
    const type = headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "";
    if (body) this.#body(type, body);
  }

  /** What stood under `name`, and all that is in it. */
  take(name, value) {
    if (typeof value !== "string") return this.#walk(name, value);
    const folded = name.toLowerCase();
    if (NO_SECRETS.has(folded)) return;
    if (NAMES.has(folded)) return this.names.add(value);
    if (value.length < LEAST || PLAIN.test(value) || SERIES.test(value)) return;
    const inner = /^\s*[[{"]/.test(value) && parsed(value);
    if (inner) return this.#walk(name, inner);
    const query = queryOf(value);
    if (query) return this.#address(name, value, query);
    this.add(name, value);
    // A hash without a key can be guessed.
    if (value.includes("@")) this.add("hash of an address", sha256(value.toLowerCase()).slice(0, 16));
    const [, id, mac] = SESSION_TOKEN.exec(value) ?? [];
    if (id) {
      this.add("session_id", id);
      this.add("mac", mac);
    }
    const [, claims] = JWT.exec(value) ?? [];
    if (claims) this.#walk(name, parsed(Buffer.from(claims, "base64url").toString()));
  }

  #walk(name, value) {
    if (typeof value === "string") return this.take(name, value);
    if (Array.isArray(value)) {
      const isPair = value.length === 2 && value.every((item) => typeof item === "string");
      if (isPair && name === "headers") return this.#header(...value);
      // A key of Redis's says what it is in its parts.
      const parts = (item) => (typeof item === "string" && /^[\w{}:.-]+$/.test(item) ? item.split(/[:{}]+/) : [item]);
      for (const part of value.flatMap(parts)) this.take(name, part);
    } else if (value && typeof value === "object") {
      for (const [field, inner] of Object.entries(value)) this.take(field, inner);
    }
  }

  #address(name, value, query) {
    for (const [field, inner] of query) this.take(field, inner);
    const [, userinfo = ""] = /^\w+:\/\/([^/@]+)@/.exec(value) ?? [];
    // An app's label is the place and the address of its owner.
    const [, label = ""] = /^otpauth:\/\/\w+\/([^?]*)/.exec(value) ?? [];
    for (const part of [...userinfo.split(":"), ...decodeURIComponent(label).split(":")]) this.take(name, part);
  }

  #header(name, value) {
    switch (name) {
      case "traceparent":
        for (const name of value.split("-").slice(1, 3)) this.names.add(name);
        break;
      case "cookie":
        for (const pair of value.split(/[;,]\s*/)) this.take(name, pair.slice(pair.indexOf("=") + 1));
        break;
      case "set-cookie":
        this.take(name, /^[^=]*=([^;]*)/.exec(value)?.[1] ?? "");
        break;
      case "authorization": {
        const [, scheme, credentials] = /^(\S+)\s+(.*)$/.exec(value) ?? [undefined, "", value];
        this.take(name, credentials);
        const both = /^basic$/i.test(scheme) ? Buffer.from(credentials, "base64").toString() : "";
        for (const part of both.split(":")) this.take("basic", part);
        break;
      }
      case "refresh":
        this.take(name, value.replace(/^\d+; url=/, ""));
        break;
      default:
        this.take(name, value);
    }
  }

  #body(type, body) {
    const whole = type.includes("html") ? undefined : parsed(body);
    if (whole && typeof whole === "object") return this.#walk("body", whole);
    if (type.includes("x-www-form-urlencoded")) {
      for (const [name, value] of new URLSearchParams(body)) this.take(name, value);
    } else if (type.includes("html")) {
      this.#page(body);
    } else {
      // Nobody can say what is what in it.
      for (const [word] of body.matchAll(/[^\s"'{}:,&=\\]{8,}/g)) this.take("body", word);
    }
  }

  /** The fields and links of a page. */
  #page(html) {
    const decoded = (value) => value.replaceAll(/&#(\d+);/g, (_, number) => String.fromCodePoint(number));
    const text = (value) => decoded(value).replaceAll("&amp;", "&");
    for (const [, attributes] of html.matchAll(/<input ([^>]*)>/g)) {
      const [name, value] = ["name", "value"].map((key) => new RegExp(`\\b${key}="([^"]*)"`).exec(attributes)?.[1]);
      if (name && value) this.take(name, text(value));
    }
    for (const [, link] of html.matchAll(/(?:href|action|content)="([^"]*\?[^"]*)"/g)) {
      this.take("link", text(link).replace(/^\d+; url=/, ""));
    }
  }
}

/** What is told of a secret that stood under `names`: those that say more than where it passed by, if there are any. */
function kindOf(names) {
  const telling = names.filter((name) => !["body", "id", "link", "query", "result", "stored"].includes(name));
  return (telling.length > 0 ? telling : names).join(", ");
}

/** The query of an address and what stands in its fragment; undefined for what is no address. */
function queryOf(text) {
  if (!/^(?:[a-z]+:\/\/\S*|\/[\w/.~%-]*(?:[?#]\S*)?)$/.test(text)) return undefined;
  try {
    const { searchParams, hash } = new URL(text, "http://localhost");
    return [...searchParams, ...new URLSearchParams(hash.slice(1))];
  } catch {
    return undefined;
  }
}

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

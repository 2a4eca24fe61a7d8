// Finds secrets in texts, in whatever form, and parts of them, too.

/** A long secret is found by so many of its characters, from every `STRIDE`th of them on: 15 in a row always are. */
const WINDOW = 12;
const STRIDE = 4;

/** Shorter ones could stand anywhere, what is no word even sooner. */
const LEAST = 4;
const LEAST_NO_WORD = 7;

/** Of what is longer, such as a picture of a code, so much of its beginning and of its end is looked for. */
const ENOUGH = 2000;

/** What looks like a secret, whether it was seen or not. */
const SHAPES = {
  "an e-mail address": /\S(?:@|%40)\S{1,255}?\.\S/i,
  "a JWT": /eyJ[\w-]*\.eyJ/,
  "a Fernet token": /gAAAA[\w-]/,
  "a session token": /[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[\da-f]{4}-[\da-f]{12}\.[\w-]{22}/i,
  credentials: /\b(?:bearer|basic)\s+\S/i,
  "a cookie": /__Host-\w+=/,
  "a private key": /"d\\*":/,
};

/**
 * The forms in which a text may stand within another, by their names: those that are compared without case, and those
 * whose case counts.
 */
export function formsOf(text) {
  const inJson = (value) => JSON.stringify(value).slice(1, -1);
  const folded = {
    "as it is": text,
    "in JSON": inJson(text),
    "in JSON within JSON": inJson(inJson(text)),
    "in a URL": encodeURIComponent(text),
    "in a form": `${new URLSearchParams([["", text]])}`.slice(1),
    "in hex": Buffer.from(text).toString("hex"),
  };
  const exact = {};
  for (const alphabet of ["base64", "base64url"]) {
    // It may begin at any of three places of what is encoded, and shares its first characters with what is before it.
    for (const [before, shared] of [
      [0, 0],
      [1, 2],
      [2, 3],
    ]) {
      const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]);
      const own = Math.floor((bytes.length * 4) / 3);
      exact[`in ${alphabet}, ${before} further`] = bytes.toString(alphabet).slice(shared, own);
    }
  }
  return { folded, exact };
}

/** Looks for `secrets`, a map to their kinds; `names` may be seen although a secret holds them. */
export class Search {
  /** Kind and form, by a few characters. */
  #folded = new Map();
  #exact = new Map();
  /** The same of what is short: by whole words, or, of what is no word, wherever it stands. */
  #words = new Map();
  #short = new Map();

  constructor(secrets, names = []) {
    for (const [value, kind] of secrets) {
      const parts = value.length > 2 * ENOUGH ? [value.slice(0, ENOUGH), value.slice(-ENOUGH)] : [value];
      for (const { folded, exact } of parts.map(formsOf)) {
        for (const [form, text] of Object.entries(folded)) {
          this.#learn(this.#folded, text.toLowerCase(), { kind, form });
        }
        for (const [form, text] of Object.entries(exact)) this.#learn(this.#exact, text, { kind, form });
      }
    }
    for (const name of names) {
      for (const [part] of windows(name.toLowerCase(), 1)) this.#folded.delete(part);
    }
  }

  #learn(index, text, what) {
    if (text.length >= WINDOW) {
      for (const [part] of windows(text, STRIDE)) if (!index.has(part)) index.set(part, what);
    } else if (/^\w+$/.test(text)) {
      if (text.length >= LEAST) this.#words.set(text.toLowerCase(), what);
    } else if (text.length >= LEAST_NO_WORD) {
      this.#short.set(text.toLowerCase(), what);
    }
  }

  /** What stands in `text`: each kind once, as `{ kind, form, around }`. */
  in(text) {
    const found = new Map();
    const tell = ({ kind, form }, at) => {
      const around = text.slice(Math.max(0, at - WINDOW), at + 4 * WINDOW);
      if (!found.has(kind)) found.set(kind, { kind, form, around });
    };
    const lower = text.toLowerCase();
    for (const [index, within] of [
      [this.#folded, lower],
      [this.#exact, text],
    ]) {
      for (const [part, at] of windows(within, 1)) if (index.has(part)) tell(index.get(part), at);
    }
    for (const { 0: word, index: at } of lower.matchAll(/\w+/g)) {
      if (this.#words.has(word)) tell(this.#words.get(word), at);
    }
    for (const [short, what] of this.#short) {
      if (lower.includes(short)) tell(what, lower.indexOf(short));
    }
    for (const [kind, shape] of Object.entries(SHAPES)) {
      if (shape.test(text)) tell({ kind, form: "by its shape" }, text.search(shape));
    }
    return [...found.values()];
  }
}

function* windows(text, stride) {
  for (let at = 0; at + WINDOW <= text.length; at += stride) yield [text.slice(at, at + WINDOW), at];
}

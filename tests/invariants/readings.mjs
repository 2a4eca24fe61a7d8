// How origins read paths, and random paths that try to use it.

const decode = (path) => {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

/** RFC 3986, section 5.2.4, with `\` as `/`, as Windows and browsers have it. */
function clean(path) {
  const kept = [];
  for (const segment of path.replaceAll("\\", "/").split("/").slice(1)) {
    if (segment === "..") kept.pop();
    else if (segment !== ".") kept.push(segment);
  }
  return `/${kept.join("/")}`;
}

const mergeSlashes = (path) => path.replaceAll("\\", "/").replaceAll(/\/{2,}/g, "/");
const eachSegment = (path, change) => path.split("/").map(change).join("/");
const cut = (path) => path.split(/[#?\0]/)[0];

/** The models of an origin: what each makes of the path that it gets. */
export const READINGS = {
  "an origin that takes it as it is": (path) => path,
  "a browser's URL parser": (path) => new URL(path, "http://origin.test").pathname,
  "an origin that resolves dots": clean,
  "an origin that decodes, then resolves dots": (path) => clean(decode(path)),
  "an origin that decodes twice": (path) => clean(decode(decode(path))),
  "an origin that decodes and cuts at # ? and NUL": (path) => clean(cut(decode(path))),
  "an origin that merges slashes first": (path) => clean(mergeSlashes(decode(path))),
  "an origin that drops ; parameters": (path) => clean(eachSegment(decode(path), (segment) => segment.split(";")[0])),
  "an origin that ignores case": (path) => clean(decode(path)).toLowerCase(),
  "an origin that drops dots and spaces at a segment's end": (path) =>
    eachSegment(clean(decode(path)), (segment) => segment.replace(/[. ]+$/, "")),
};

/** What targets are made of. */
const WORDS = ["site", "public", "app", "admin", "x", "y.html", "%78", "caf%c3%a9"];
const TRICKS = [
  "ADMIN",
  "Admin",
  "%61dmin",
  "admin.",
  "admin%20",
  "admin;a=b",
  "admin%3b",
  "adm%69n",
  "..",
  ".",
  "...",
  "%2e%2e",
  ".%2E",
  "..;",
  "%252e%252e",
  "..%2f",
  "..%5c",
  "%2f",
  "%23",
  "x%23",
  "%3f",
  "%00",
  "%ef%bc%8e%ef%bc%8e",
  "",
  "\\..",
];
const SEPARATORS = ["//", "\\", "/./", "/../", ";/"];
/** Where an honest path is stricter than those around it, where one is public, and anywhere. */
const STARTS = ["/site/admin", "/site", ""];

/** `count` targets, the same for the same seed. */
export function* randomTargets(seed, count) {
  const random = mulberry32(seed);
  const pick = (list) => list[Math.floor(random() * list.length)];
  for (let made = 0; made < count; made += 1) {
    let target = pick(STARTS);
    for (let left = 1 + Math.floor(random() * 3); left > 0; left -= 1) {
      const separator = target !== "" && random() < 0.1 ? pick(SEPARATORS) : "/";
      target += separator + pick(random() < 0.35 ? TRICKS : WORDS);
    }
    yield target;
  }
}

/** A small random generator with a seed, which Node's own has not. */
function mulberry32(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

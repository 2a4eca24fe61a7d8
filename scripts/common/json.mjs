// JSON of others, who may answer anything.

/** The value that `text` is in JSON; undefined where it is none. */
export function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

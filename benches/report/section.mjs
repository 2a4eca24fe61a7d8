// The part of docs/PERFORMANCE.md that another run than scripts/bench has measured: it stays when the page is written anew.

const [BEGINS, ENDS] = ["<!-- scripts/bench-bridge -->", "<!-- /scripts/bench-bridge -->"];
/** What it stands before. */
const NEXT = "## How it was measured\n";

/** The part of `page`, with its marks; nothing where it has none. */
export function take(page) {
  const [begins, ends] = [page.indexOf(BEGINS), page.indexOf(ENDS)];
  return begins < 0 || ends < begins ? "" : page.slice(begins, ends + ENDS.length);
}

/** `page` with `text` as that part, in the place of the one it has. */
export function put(page, text) {
  const marked = `${BEGINS}\n${text.trim()}\n${ENDS}`;
  return keep(page.replace(take(page), ""), marked);
}

/** `page`, which has none, with `part`. */
export function keep(page, part) {
  if (!part) return page;
  const at = page.indexOf(NEXT);
  if (at < 0) throw new Error(`docs/PERFORMANCE.md has no heading ${NEXT.trim()}, before which the bridge's part stands`);
  return `${page.slice(0, at).trimEnd()}\n\n${part}\n\n${page.slice(at)}`;
}

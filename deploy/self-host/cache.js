// The Cache API of one process, in memory. workerd asks it over HTTP: PUT brings a whole answer as its body, GET asks for it.
// Only texts are kept here: the sign-in page, by language (functions/verify/effects.js).

/** A page takes about ten kilobytes, and there are two languages. */
const [MOST, LONGEST] = [16, 256 * 1024];
/** By namespace and URL, the oldest first. */
const kept = new Map();

export default {
  async fetch(request) {
    const key = `${request.headers.get("cf-cache-namespace") ?? ""} ${request.url}`;
    switch (request.method) {
      case "PUT":
        return answer(keep(key, await request.text()));
      case "GET":
        return recalled(kept.get(key));
      case "PURGE":
        return answer(kept.delete(key) ? 200 : 404);
      default:
        return answer(405);
    }
  },
};

/** 204 if it is kept from now on, else 413. */
function keep(key, text) {
  const seconds = Number(/^cache-control:.*\bmax-age=(\d+)/im.exec(text)?.[1] ?? 0);
  const body = text.slice(text.indexOf("\r\n\r\n") + 4);
  kept.delete(key);
  if (body.length > LONGEST) return 413;
  if (kept.size >= MOST) kept.delete(kept.keys().next().value);
  kept.set(key, { body, until: Date.now() + seconds * 1000 });
  return 204;
}

function recalled(found) {
  if (!(found?.until > Date.now())) return answer(504, { "cf-cache-status": "MISS" });
  return new Response(found.body, { headers: { "cf-cache-status": "HIT" } });
}

const answer = (status, headers) => new Response(null, { status, headers });

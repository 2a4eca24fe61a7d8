// How Supabase is told who asks.

/** The headers with `key`. One of the new kind (`sb_…`) is no JWT, and no bearer token. */
export function headersOf(key) {
  return { apikey: key, ...(key.startsWith("sb_") ? {} : { authorization: `Bearer ${key}` }) };
}

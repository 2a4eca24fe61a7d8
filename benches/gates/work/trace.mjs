// W3C Trace Context: the client's trace goes on, or one begins.

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;

/** `{ id, header, continued }`. */
export function enterTrace(traceparent) {
  const fresh = crypto.getRandomValues(new Uint8Array(24)).toHex();
  const [, id, flags] = TRACEPARENT.exec(traceparent ?? "") ?? [];
  const trace = id ?? fresh.slice(16);
  const sampled = flags === undefined || Number.parseInt(flags, 16) & 1;
  return { id: trace, header: `00-${trace}-${fresh.slice(0, 16)}-0${sampled ? 1 : 0}`, continued: id !== undefined };
}

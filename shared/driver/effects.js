// How the platform does what every worker asks for. An ask is read from its lines.

const LATE = new DOMException("", "TimeoutError");

/** What `started` comes to, if it does so in time. What is late is not stopped: it ends with its request, which is answered now. */
export function within(ms, started) {
  return new Promise((resolve, reject) => {
    // Not cleared: the timer ends with its request.
    setTimeout(reject, ms, LATE);
    started.then(resolve, reject);
  });
}

export async function slept(ms) {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return [0, ""];
}

/** Hands on a data point of Workers Analytics Engine. */
export async function recorded(env, ask) {
  const [dataset, index, blobs] = [ask.next(), ask.next(), ask.list()];
  await env[dataset].writeDataPoint({ indexes: [index], blobs });
  return [0, ""];
}

/** Makes a small call and reads its whole answer. */
export async function answered(ask, ms) {
  const [method, url, headers] = [ask.next(), ask.next(), {}];
  for (let left = ask.number(); left > 0; left -= 1) headers[ask.next()] = ask.next();
  const body = ask.next() || undefined;
  const response = await fetch(url, { method, headers, body, redirect: "manual", signal: AbortSignal.timeout(ms) });
  return [response.status, await response.text()];
}

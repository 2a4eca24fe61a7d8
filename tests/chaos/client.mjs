// One request, and all that comes of it.

import { Agent, request } from "node:http";

/** No connection is used twice, so that none breaks because the other side was done with it. */
const agent = new Agent({ keepAlive: false });

/**
 * Sends a request to `base` (an origin). Never throws: `{ started, ended, status, headers, text, isWhole, failure }`, times in
 * milliseconds of `performance.now()`, `failure` the reason why there is no head, `isWhole` whether the body came to its end.
 */
export function send(base, { method = "GET", path, headers = {}, body }, withinMs) {
  const { port } = new URL(base);
  const started = performance.now();
  const { promise, resolve } = Promise.withResolvers();
  const answer = { started, status: 0, headers: {}, text: "", isWhole: false };
  const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
  const host = `localhost:${port}`;
  const sent = request({ host: "127.0.0.1", port, method, path, headers: { host, ...headers, ...length }, agent });
  const finish = (failure) => {
    clearTimeout(late);
    sent.destroy();
    resolve({ ...answer, ended: performance.now(), failure: answer.status === 0 ? failure : undefined });
  };
  const late = setTimeout(() => {
    answer.isLate = true;
    finish("late");
  }, withinMs);
  sent.on("error", (error) => finish(error.code ?? error.message));
  sent.on("response", (response) => {
    answer.status = response.statusCode;
    answer.headers = response.headers;
    response.setEncoding("utf8").on("data", (text) => (answer.text += text));
    response.on("error", () => finish());
    response.on("end", () => {
      answer.isWhole = response.complete;
      finish();
    });
  });
  sent.end(body);
  return promise;
}

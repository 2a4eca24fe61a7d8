// Many clients at once, as the workers of a busy gateway are: each with a connection that it keeps.

import { Agent, request } from "node:http";

import { BRIDGE_TOKEN } from "../support/bridge.mjs";

/**
 * `size` clients that send one request after another until `stop()`, which resolves once the last has its answer; they stop
 * with the test `t`, too.
 *
 * `next()` gives a request, `{path, command}`; `seen({command}, {status, json, error, late})` is told what came of it.
 * `patienceMs` is after how long a client leaves without an answer.
 */
export function crowd(t, url, size, { next, seen, patienceMs }) {
  const agent = new Agent({ keepAlive: true, maxSockets: size });
  let stopped = false;
  const client = async () => {
    while (!stopped) {
      const asked = next();
      seen(asked, await send(agent, url, asked, patienceMs));
    }
  };
  const clients = Array.from({ length: size }, client);
  const stop = async () => {
    stopped = true;
    await Promise.all(clients);
    agent.destroy();
  };
  t.after(stop);
  return { stop };
}

function send(agent, url, { path = "/", command }, patienceMs) {
  const body = JSON.stringify(command);
  const headers = { authorization: `Bearer ${BRIDGE_TOKEN}`, "content-length": Buffer.byteLength(body) };
  return new Promise((resolve) => {
    const call = request(url + path, { agent, method: "POST", headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece) => (text += piece));
      response.on("end", () => resolve({ status: response.statusCode, json: JSON.parse(text) }));
      response.on("error", (error) => resolve({ error }));
    });
    let late = false;
    const leave = patienceMs && setTimeout(() => ((late = true), call.destroy()), patienceMs);
    call.on("close", () => clearTimeout(leave));
    call.on("error", (error) => resolve({ error, late }));
    call.end(body);
  });
}

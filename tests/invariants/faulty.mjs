// A proxy that fails at a chosen request: a dependency that breaks in the middle of something.

import { once } from "node:events";
import { createServer, request } from "node:http";

/**
 * Starts a proxy in front of `target`. `fail({ way, at, only })` lets `at` requests through from now on, then fails: that one
 * where `only` is set, else all. `heal` ends that, and gives how many requests came since.
 *
 * The ways: `before`: nothing is done, and the connection breaks; `after`: it is done, and the connection breaks; `status`: nothing
 * is done, and the answer says so; `silent`: it is done, and never answered.
 */
export async function startFaulty(target) {
  let fault;
  let count = 0;
  const silent = new Set();
  const server = createServer(async (incoming, outgoing) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const index = count;
    count += 1;
    const fails = fault && (fault.only ? index === fault.at : index >= fault.at);
    const way = fails ? fault.way : undefined;
    if (way === "before") return outgoing.destroy();
    if (way === "status")
      return outgoing.writeHead(500, { "content-type": "application/json" }).end('{"code":"unexpected_failure"}');
    const answer = await forward(target, incoming, Buffer.concat(chunks)).catch(() => undefined);
    if (!answer || way === "after") return outgoing.destroy();
    if (way === "silent") return silent.add(outgoing);
    outgoing.writeHead(answer.status, answer.headers).end(answer.body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    fail(wanted) {
      fault = wanted;
      count = 0;
    },
    heal() {
      fault = undefined;
      for (const outgoing of silent) outgoing.destroy();
      silent.clear();
      return count;
    },
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

async function forward(target, { method, url, headers }, body) {
  const { host, connection, ...rest } = headers;
  const outgoing = request(target + url, { method, headers: rest });
  outgoing.end(body);
  const [response] = await once(outgoing, "response");
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  const { "transfer-encoding": _, connection: __, ...kept } = response.headers;
  return { status: response.statusCode, headers: kept, body: Buffer.concat(chunks) };
}

// What stands between a worker and what it calls: passes everything on, and shows it to `see`.

import { once } from "node:events";
import { createServer, request } from "node:http";

/**
 * Passes what it gets on to the origin `to`. `credentials` are those that are good there, by those that the worker has.
 * `see(message)` gets each request and each answer as it was: `{ target, headers, body }`, headers as pairs.
 *
 * `echo(status)` answers in its stead from then on, with all that it was sent, as a dependency might in its errors;
 * without a status, no longer.
 */
export async function startBetween({ to, credentials = {}, see }) {
  const { hostname, port } = new URL(to);
  let echoed;
  const server = createServer(async (asked, answer) => {
    const body = await whole(asked);
    const headers = pairs(asked.rawHeaders);
    see({ target: asked.url, headers, body: body.toString() });
    if (echoed) {
      const text = `${asked.method} ${asked.url} ${JSON.stringify(headers)} ${body}`;
      const error = { error: text, msg: text, message: text, code: text, error_code: text };
      answer.writeHead(echoed, { "content-type": "application/json" }).end(JSON.stringify(error));
      return;
    }
    const translated = headers.map(([name, value]) => [name, credentials[value] ?? value]);
    const { method, url: path } = asked;
    const passed = request({ host: hostname, port, method, path, headers: translated.flat(), agent: false });
    answer.on("close", () => passed.destroy());
    // What is no answer goes on as it came.
    passed.on("error", ({ rawPacket }) => (rawPacket ? answer.socket?.end(rawPacket) : answer.socket?.destroy()));
    passed.on("response", async (got) => {
      const heads = pairs(got.rawHeaders);
      answer.writeHead(got.statusCode, heads.flat());
      answer.flushHeaders();
      const chunks = [];
      got.on("data", (chunk) => {
        chunks.push(chunk);
        answer.write(chunk);
      });
      got.on("error", () => answer.socket?.destroy());
      got.on("close", () => {
        see({ headers: heads, body: Buffer.concat(chunks).toString() });
        if (got.complete) answer.end();
      });
    });
    passed.end(body);
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  return {
    url: `http://localhost:${server.address().port}`,
    echo: (status) => (echoed = status),
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function pairs(raw) {
  return Array.from({ length: raw.length / 2 }, (_, index) => [raw[2 * index], raw[2 * index + 1]]);
}

async function whole(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

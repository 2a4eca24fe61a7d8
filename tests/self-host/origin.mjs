// An application whose answers take as long as a test wants: `/slow` says "first" and the rest when it is let go, `/digest`
// answers with the SHA-256 of what it is sent, and a WebSocket is answered with what it says.

import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";

import { OriginSocket, TEXT } from "../streaming/frames.mjs";

export async function startOrigin() {
  const happened = new EventEmitter();
  let waiting = [];
  const server = createServer((request, response) => {
    if (!request.url.endsWith("/digest")) {
      response.write("first");
      waiting.push(response);
      return;
    }
    const hash = createHash("sha256");
    request.on("data", (piece) => {
      hash.update(piece);
      happened.emit("begun");
    });
    request.on("end", () => response.end(hash.digest("hex")));
  });
  server.on("upgrade", (request, socket) => {
    const own = new OriginSocket(request, socket);
    own.on("frame", ({ opcode, data }) => opcode === TEXT && own.send(TEXT, data));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** The first piece of a body has come. */
    begun: () => once(happened, "begun", { signal: AbortSignal.timeout(10_000) }),
    /** Ends every slow answer with `text`. */
    release(text) {
      for (const response of waiting) response.end(text);
      waiting = [];
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

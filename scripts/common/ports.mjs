// Ports of this machine.

import { createServer } from "node:net";

const LOOPBACK = ["127.0.0.1", "::1"];

/** Of the loopback addresses, those on which `port` could be taken now; "missing" where the machine has no such address. */
async function probe(port) {
  const attempt = (host) =>
    new Promise((resolve) => {
      const server = createServer();
      server.once("error", (error) => resolve(error.code === "EADDRINUSE" ? "taken" : "missing"));
      server.listen({ port, host, exclusive: true }, () => server.close(() => resolve("free")));
    });
  return Promise.all(LOOPBACK.map(attempt));
}

/** Whether nobody listens on `port` of any loopback address: `localhost` may mean either. */
export async function isFree(port) {
  return !(await probe(port)).includes("taken");
}

/** What to listen on so that `localhost` finds it, however the client resolves that. */
export async function loopbackHost() {
  return (await probe(0)).every((state) => state === "free") ? "localhost" : LOOPBACK[0];
}

/** A port that nobody listens on, below those the system gives to outgoing connections. */
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

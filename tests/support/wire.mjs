// Requests byte for byte, as no HTTP client would send them.

import { once } from "node:events";
import { connect } from "node:net";

/** A connection to `url` (an origin) that shows what arrives as it arrives. */
export class Wire {
  #socket;
  #received = "";
  #changed = Promise.withResolvers();

  static async open(url) {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname === "localhost" ? "127.0.0.1" : hostname);
    await once(socket, "connect");
    return new Wire(socket);
  }

  constructor(socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (data) => this.#arrived(data));
    socket.on("close", () => this.#arrived("", true));
    socket.on("error", () => {});
  }

  closed = false;

  #arrived(data, closed = false) {
    this.#received += data;
    this.closed ||= closed;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Sends text as Latin-1. */
  send(text) {
    this.#socket.write(text, "latin1");
  }

  /** Everything received, as soon as it matches `pattern` or the connection has ended. */
  async until(pattern, { timeoutMs = 5000 } = {}) {
    const late = setTimeout(() => this.#socket.destroy(), timeoutMs);
    while (!pattern.test(this.#received) && !this.closed) await this.#changed.promise;
    clearTimeout(late);
    return this.#received;
  }

  end() {
    this.#socket.destroy();
  }
}

/** Sends one request, given as lines, and reads the whole answer: `{ status, headers, body }`. */
export async function exchange(url, lines, body = "") {
  const wire = await Wire.open(url);
  wire.send([...lines, "Connection: close", "", body].join("\r\n"));
  const text = await wire.until(/(?!)/);
  const [head, ...rest] = text.split("\r\n\r\n");
  const [statusLine, ...headerLines] = head.split("\r\n");
  const headers = headerLines.map((line) => {
    const at = line.indexOf(":");
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
  });
  return { status: Number(statusLine.split(" ")[1]), headers, body: rest.join("\r\n\r\n") };
}

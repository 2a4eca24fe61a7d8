// Clients: one that keeps its connection (HTTP/1.1), one that takes a new one each time, and one that speaks HTTP/2.
//
// Each does what HTTP lets every client do, and no more: it sends a request once more if it is idempotent, went over a
// connection that had been used before, and got no byte of an answer (RFC 9110, section 9.2.2); and over HTTP/2 also one that
// the server says it has not looked at (RFC 9113, section 8.7). `retried` counts that.

import * as http from "node:http";
import { connect, constants } from "node:http2";
import * as https from "node:https";

const IDEMPOTENT = new Set(["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]);
const WITHIN_MS = 30_000;

/** Speaks HTTP/1.1 to `base`, over TLS if it has a certificate, and keeps its connection if `keepAlive`. */
export class PlainClient {
  retried = 0;
  #agent;
  #base;
  #request;

  constructor(base, certificate, { keepAlive = false } = {}) {
    const { Agent, request } = certificate ? https : http;
    this.#base = base;
    this.#agent = new Agent({ keepAlive, ca: certificate, maxSockets: 1 });
    this.#request = request;
  }

  async send(method, path, options = {}) {
    for (;;) {
      const attempt = {};
      try {
        return await this.#once(method, path, options, attempt);
      } catch (error) {
        if (!(IDEMPOTENT.has(method) && attempt.reused && !attempt.answered && attempt.broken)) throw error;
        this.retried += 1;
      }
    }
  }

  #once(method, path, { headers = {}, body }, attempt) {
    return new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
      const options = { method, headers: { ...headers, ...length }, agent: this.#agent, timeout: WITHIN_MS };
      const sent = this.#request(this.#base + path, options, (response) => {
        attempt.answered = true;
        let text = "";
        response.setEncoding("utf8").on("data", (chunk) => (text += chunk));
        response.on("error", reject).on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
      sent.on("error", (error) => {
        attempt.reused = sent.reusedSocket;
        attempt.broken = ["ECONNRESET", "EPIPE"].includes(error.code);
        reject(
          new Error(`${method} ${path}${sent.reusedSocket ? " on a used connection" : ""}: ${error.message}`, { cause: error }),
        );
      });
      sent.end(body);
    });
  }

  close() {
    this.#agent.destroy();
  }
}

/** Speaks HTTP/2 over one connection, and opens another when the server takes leave. */
export class Http2Client {
  retried = 0;
  #base;
  #certificate;
  #session;

  constructor(base, certificate) {
    [this.#base, this.#certificate] = [base, certificate];
  }

  async send(method, path, options = {}) {
    for (;;) {
      const attempt = {};
      try {
        return await this.#once(method, path, options, attempt);
      } catch (error) {
        const isBroken = IDEMPOTENT.has(method) && attempt.reused && !attempt.answered && attempt.broken;
        if (!attempt.refused && !isBroken) throw error;
        this.retried += 1;
      }
    }
  }

  #open() {
    if (this.#session && !this.#session.closed && !this.#session.destroyed) return { session: this.#session, reused: true };
    const session = connect(this.#base, { ca: this.#certificate });
    session.on("error", () => {});
    session.on("goaway", (_, last) => {
      session.last = last;
      session.close();
    });
    this.#session = session;
    return { session, reused: false };
  }

  #once(method, path, { headers = {}, body }, attempt) {
    const { session, reused } = this.#open();
    attempt.reused = reused;
    return new Promise((resolve, reject) => {
      const stream = session.request({ ":method": method, ":path": path, ...headers }, { endStream: body === undefined });
      const fail = (error) => {
        const refused =
          stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || (session.last !== undefined && stream.id > session.last);
        attempt.refused = refused;
        attempt.broken = true;
        reject(new Error(`${method} ${path} over HTTP/2: ${error.message}`, { cause: error }));
      };
      let answer;
      let text = "";
      stream.setTimeout(WITHIN_MS, () => stream.close(constants.NGHTTP2_CANCEL));
      stream.setEncoding("utf8").on("data", (chunk) => (text += chunk));
      stream.on("response", (got) => (answer = attempt.answered = got));
      stream.on("error", fail);
      stream.on("close", () => {
        if (answer && stream.rstCode === 0) resolve({ status: answer[":status"], headers: answer, text });
        else fail(new Error(`the stream ended with code ${stream.rstCode}`));
      });
      if (body !== undefined) stream.end(body);
    });
  }

  close() {
    this.#session?.destroy();
  }
}

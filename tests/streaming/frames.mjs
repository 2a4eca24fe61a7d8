// The origin's end of a WebSocket (RFC 6455), frame by frame, so that a test sees what crosses and not a library's view of it.

import { createHash } from "node:crypto";
import { EventEmitter, on, once } from "node:events";

import { within } from "./world.mjs";

export const [TEXT, BINARY, CLOSE] = [1, 2, 8];
const FINAL = 0x80;

/** Accepts the upgrade `request` on `socket`. It emits `frame`, and `end` when the connection is over. */
export class OriginSocket extends EventEmitter {
  #socket;
  #unread = Buffer.alloc(0);
  #closing = false;

  constructor(request, socket) {
    super();
    this.#socket = socket;
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
    socket.write([...head, `Sec-WebSocket-Accept: ${accept}`, "", ""].join("\r\n"));
    socket.on("data", (data) => this.#read(data));
    socket.on("error", () => {});
    // A server's sockets stay half open otherwise.
    socket.on("end", () => socket.end());
    socket.on("close", () => this.emit("end"));
  }

  #read(data) {
    this.#unread = Buffer.concat([this.#unread, data]);
    for (let frame; (frame = parse(this.#unread)); this.emit("frame", frame)) {
      this.#unread = this.#unread.subarray(frame.size);
      if (frame.opcode === CLOSE) this.#finish(frame);
    }
  }

  /** Ends the connection, as the server should, when each side has said that it closes. */
  #finish({ data }) {
    if (!this.#closing) this.send(CLOSE, data);
    this.#socket.end();
  }

  /** Sends one frame; a text is UTF-8. */
  send(opcode, payload) {
    const data = Buffer.from(payload);
    const { length } = data;
    const size = length < 126 ? [length] : length < 65_536 ? [126, ...big(length, 2)] : [127, ...big(length, 8)];
    this.#socket.write(Buffer.concat([Buffer.from([FINAL | opcode, ...size]), data]));
  }

  close(code, reason) {
    this.#closing = true;
    this.send(CLOSE, Buffer.concat([Buffer.from(big(code, 2)), Buffer.from(reason)]));
  }

  /** Breaks the connection off without a word. */
  destroy() {
    this.#socket.destroy();
  }

  /** The next `count` messages. */
  async messages(count) {
    const messages = [];
    const receive = async () => {
      for await (const [frame] of on(this, "frame")) {
        messages.push({ ...frame, data: frame.opcode === TEXT ? frame.data.toString() : frame.data });
        if (messages.length === count) return messages;
      }
    };
    return within(receive(), `${count} messages`);
  }

  /** The close frame: `{ code, reason }`, both undefined where it is empty. */
  async closing() {
    const receive = async () => {
      for await (const [{ opcode, data }] of on(this, "frame")) {
        if (opcode !== CLOSE) continue;
        return data.length ? { code: data.readUInt16BE(0), reason: data.toString("utf8", 2) } : {};
      }
    };
    return within(receive(), "the close frame");
  }

  /** The end of the connection. */
  ended() {
    return within(once(this, "end"), "the end of the connection");
  }
}

function big(number, bytes) {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt(number));
  return buffer.subarray(8 - bytes);
}

/** The first frame of `bytes`, unmasked, with its `size` there; undefined while it is not all there. */
function parse(bytes) {
  if (bytes.length < 2) return undefined;
  const short = bytes[1] & 0x7f;
  const wide = { 126: 2, 127: 8 }[short] ?? 0;
  const start = 2 + wide + 4;
  if (bytes.length < start) return undefined;
  const length = wide ? Number(wide === 2 ? bytes.readUInt16BE(2) : bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < start + length) return undefined;
  const mask = bytes.subarray(start - 4, start);
  const data = Buffer.from(bytes.subarray(start, start + length)).map((byte, index) => byte ^ mask[index % 4]);
  return { opcode: bytes[0] & 0x0f, data, size: start + length };
}

// A message of the module, read line by line.

export class Lines {
  #lines;
  #at = 0;

  constructor(lines) {
    this.#lines = lines;
  }

  next() {
    return this.#lines[this.#at++];
  }

  number() {
    return Number(this.next());
  }

  /** As many lines as the next one says. */
  list() {
    const count = this.number();
    return this.#lines.slice(this.#at, (this.#at += count));
  }

  /** All that is left, as it was. */
  rest() {
    return this.#lines.slice(this.#at).join("\n");
  }
}

/** Removes and sets what comes next in a message. */
export function edit(headers, message) {
  for (const name of message.list()) headers.delete(name);
  for (let left = message.number(); left > 0; left -= 1) headers.set(message.next(), message.next());
}

/** Adds what comes next in a message. */
export function append(headers, message) {
  for (let left = message.number(); left > 0; left -= 1) headers.append(message.next(), message.next());
}

// Whether somebody answers.

import { once } from "node:events";
import { connect } from "node:net";

const WITHIN_MS = 5_000;

/** It will never be well: its settings have faults. */
export class Misconfigured extends Error {}

/** Whether somebody listens on a port of this machine. */
export async function isOpen(port) {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(WITHIN_MS) });
    return true;
  } finally {
    socket.destroy();
  }
}

/** Whether what listens at `address` says that it is well. */
export async function isWell(address, path) {
  const response = await fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(WITHIN_MS) });
  const text = await response.text();
  if (text.includes('"config_invalid"')) throw new Misconfigured("its settings have faults");
  return response.ok;
}

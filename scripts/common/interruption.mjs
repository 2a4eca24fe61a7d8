// Ctrl-C and its like.

import { Interrupted, say } from "./failure.mjs";

/** Aborted by the first of them. What was done is taken back then, and a second one changes nothing about that. */
export function interruption() {
  const controller = new AbortController();
  const stop = () =>
    controller.signal.aborted ? say("Already stopping; wait until all is taken back") : controller.abort(new Interrupted());
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, stop);
  return controller.signal;
}

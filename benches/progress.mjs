// How progress is told: on a terminal, one line that keeps changing; elsewhere, a line for each part that is done.

/** `say(text)` tells what goes on, `done(label)` what is over, and how long it took. */
export function progress(stream = process.stderr) {
  let since = Date.now();
  const seconds = () => Math.round((Date.now() - since) / 1000);
  return {
    say(text) {
      if (stream.isTTY) stream.write(`\r\x1b[K${text}  ${seconds()} s`);
    },
    done(label) {
      stream.write(`${stream.isTTY ? "\r\x1b[K" : ""}${label}: ${seconds()} s\n`);
      since = Date.now();
    },
  };
}

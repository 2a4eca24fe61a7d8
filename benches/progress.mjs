// How progress is told: on a terminal, one line that keeps changing; elsewhere, a line for each part that is done.

/** `say(text)` tells what goes on, `done(label)` what is over and how long it took, `tell(text)` what else is to be known. */
export function progress(stream = process.stderr) {
  let since = Date.now();
  const seconds = () => Math.round((Date.now() - since) / 1000);
  const tell = (text) => stream.write(`${stream.isTTY ? "\r\x1b[K" : ""}${text}\n`);
  return {
    tell,
    say(text) {
      if (stream.isTTY) stream.write(`\r\x1b[K${text}  ${seconds()} s`);
    },
    done(label) {
      tell(`${label}: ${seconds()} s`);
      since = Date.now();
    },
  };
}

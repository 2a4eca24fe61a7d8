// What is told to whoever runs a script, without a stack trace: what went wrong, and what to do.

/** A failure that is no fault of the script's. */
export class Failure extends Error {}

/** Whoever runs the script wants to stop. */
export class Interrupted extends Failure {
  constructor() {
    super("stopped by you");
  }
}

/** Runs `main` and ends the process with the status that it gives, or 1 where it fails. */
export async function run(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    process.exitCode = error.status ?? 1;
    process.stderr.write(error instanceof Failure ? `${error.message}\n` : `${error.stack}\n`);
  }
}

/** One line of progress, on standard error as in lib.sh. */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

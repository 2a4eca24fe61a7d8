// A machine that others use loses a request to a timeout now and then. What was measured then does not count.

const ATTEMPTS = 3;

/** What had to be measured again, in words. */
export const repeated = [];

/** The result of `measure`, which begins anew where an answer was wrong; the third time that is an error. */
export async function again(measure) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await measure();
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      repeated.push(error.message);
    }
  }
}

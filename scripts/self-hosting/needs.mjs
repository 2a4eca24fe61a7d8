// What the workers need and do not get. They run without it, and nobody waits for it; but whoever starts them should know.

/** A worker waits for what it asks for some seconds itself. */
const WITHIN_MS = 20_000;
const AWAY = {
  redis: "Redis does not answer the workers: the logs of the bridges tell more",
  supabase: "Supabase does not answer at SUPABASE_URL: nobody can sign in until it does",
  database: "the database of Supabase does not answer at SUPABASE_URL: while Redis is away, everybody is refused",
  unsaid: "a worker does not say whether what it needs answers: its log tells more",
};

/** A line for each thing that a gateway or a sign-in of `plan` needs and does not get. */
export async function whatIsAway({ health, instances }) {
  const names = await Promise.all([health[0], instances.auth[0]].map(missingTo));
  return [...new Set(names.flat())].map((name) => AWAY[name] ?? `${name} does not answer the workers`);
}

async function missingTo(address) {
  try {
    const response = await fetch(`http://${address}/health?ready`, { signal: AbortSignal.timeout(WITHIN_MS) });
    const { checks } = await response.json();
    return Object.keys(checks).filter((name) => checks[name].status !== "ok");
  } catch {
    return ["unsaid"];
  }
}

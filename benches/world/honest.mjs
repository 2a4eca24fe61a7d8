// Before anything is measured: every gate does what it says it does. One that let everybody in would be quick.

import { HEADERS, saw } from "./browser.mjs";
import { get } from "./process.mjs";

/** What must not come in, and how it shows that it did not. */
const STRANGERS = {
  none: { headers: () => ({}) },
  forged: { headers: ({ forged }) => ({ cookie: forged }) },
  device: { headers: ({ cookie }) => ({ cookie, "user-agent": "curl/8" }) },
  invented: {
    headers: ({ cookie }) => ({ cookie, "x-user-role": "admin", x_user_id: "0", "x.forwarded-for": "192.0.2.1" }),
    passes: ({ body }) => !/"admin"|"x_user_id"|"x\.forwarded-for"/.test(body),
  },
};

/** Throws if `gate` refuses `request`, or lets in what it promises to refuse. */
export async function proveHonest(gate, request, forged) {
  const [cookie] = request.cookies;
  const ask = (headers) => get(gate.port, request.target, { ...HEADERS, ...headers });
  const answer = await ask({ cookie });
  const missing = request.expect.body.filter((text) => !answer.body.includes(text));
  if (answer.status !== 200 || missing.length > 0) {
    throw new Error(`${gate.name} answers ${answer.status} without ${missing.join(" and ")}: ${answer.body.slice(0, 2000)}`);
  }
  for (const name of gate.refuses) {
    const { headers, passes = ({ status }) => status === 302 || status === 401 || status === 403 } = STRANGERS[name];
    const strange = await ask(headers({ cookie, forged }));
    if (!passes(strange)) throw new Error(`${gate.name} lets "${name}" in: ${strange.status} ${strange.body.slice(0, 2000)}`);
  }
}

/** What the origin must have been told by `gate`, beside that the request reached it. */
export function told(gate, person) {
  return gate.identity ? [saw("x-user-id", person.id)] : [];
}

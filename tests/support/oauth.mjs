// A person who signs in at a provider, as a browser without scripts would.

/** A browser's cookies. */
export class Jar {
  #cookies = new Map();

  /** Keeps what an answer sets, and gives the answer. */
  keep(response) {
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      if (/max-age=0/i.test(cookie)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return response;
  }

  get names() {
    return [...this.#cookies.keys()];
  }

  /** The `Cookie` header. */
  get header() {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }
}

/** Presses the button of `provider`; gives the answer, and where its page leads. */
export async function press(stack, provider, { next = "", jar = new Jar(), headers = {} } = {}) {
  const response = await fetch(`${stack.auth}/auth/oauth/${provider}`, {
    method: "POST",
    redirect: "manual",
    headers: { "sec-fetch-site": "same-origin", origin: stack.auth, cookie: jar.header, ...headers },
    body: new URLSearchParams({ next }),
  });
  jar.keep(response);
  const [, url] = /^0; url=(.+)$/.exec(response.headers.get("refresh") ?? "") ?? [];
  return { response, url };
}

/** Answers at the provider that `url` leads to, by Supabase; gives the address to which the browser comes back. */
export async function answer(url, fields) {
  return answerAt(await follow(url), fields);
}

/** The same, where the provider's page is known. */
export async function answerAt(page, fields) {
  const { searchParams } = new URL(page);
  const body = new URLSearchParams({ state: searchParams.get("state"), action: "allow", ...fields });
  return follow(await follow(page, { method: "POST", body }));
}

/** Comes back to `url`. */
export async function comeBack(url, jar) {
  const headers = { cookie: jar.header, "sec-fetch-site": "cross-site" };
  return jar.keep(await fetch(url, { redirect: "manual", headers }));
}

async function follow(url, init) {
  const response = await fetch(url, { redirect: "manual", ...init });
  const location = response.headers.get("location");
  if (!location) throw new Error(`${response.status}, not a redirect: ${await response.text()}`);
  return location;
}

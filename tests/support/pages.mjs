// The pages, as a browser without scripts asks for them and sends their forms.

/** What opens a page of the stack's auth worker, and what submits a form to it; neither follows a redirect. */
export function pagesOf(stack) {
  const ask = async (path, init) => {
    const response = await fetch(stack.auth + path, { redirect: "manual", ...init });
    return { status: response.status, headers: response.headers, html: await response.text() };
  };
  return {
    open: (path, headers = {}) => ask(path, { headers }),
    submit: (path, fields, headers = {}) =>
      ask(path, {
        method: "POST",
        headers: { "sec-fetch-site": "same-origin", origin: stack.auth, ...headers },
        body: new URLSearchParams(fields),
      }),
  };
}

/** Where an answer leads. */
export const location = ({ headers }) => headers.get("location");

/** The value of a hidden field. */
export function hidden(html, name) {
  const found = new RegExp(`<input type="hidden" name="${name}" value="([^"]*)">`).exec(html);
  return found?.[1].replaceAll("&#38;", "&");
}

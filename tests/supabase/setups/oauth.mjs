// What the cases of oauth.json and identities.json need to be there first.
//
// The recordings had a fake GitHub, which knew what each code stands for; here its people sign in on the provider's page
// and ask for that very code.

import { CHALLENGE, first } from "../world.mjs";

const TARGET = "https://app.example.test/cb?next=%2Fhome";

const OCTO = { id: "4242", email: "octo@example.test", name: "Octo Cat", user_name: "octo" };
const PEOPLE = {
  "gh-code-new": OCTO,
  "gh-code-unverified": { ...OCTO, id: "4444", email: "unverified@example.test", verified: "no" },
  "gh-code-noemail": { ...OCTO, id: "4545", email: "" },
  "gh-code-link": { id: "4343", email: "github-link@example.test", name: "Linked User", user_name: "linked" },
  "gh-code-banned": { ...OCTO, id: "4646", email: "github-banned@example.test" },
  "gh-code-manual": { id: "4747", email: "manual-other@example.test", name: "Manual Link", user_name: "manual" },
};

/** A case's code is one that its person got at the provider. */
const atProvider = async (world, { request }, state) => {
  const code = request.query?.code;
  if (PEOPLE[code]) await world.provider({ state, code, ...PEOPLE[code] });
};

const goOn = (world, recorded, bindings) => atProvider(world, recorded, bindings.get("uuid:1"));

/** A flow on its way; gives its state. */
const authorize =
  (fields = {}) =>
  async (world) =>
    world.authorize({ redirect_to: TARGET, ...CHALLENGE, ...fields });

const flow = (fields) => async (world, recorded) => {
  const state = await authorize(fields)(world);
  await atProvider(world, recorded, state);
  return { "uuid:1": state };
};

/** A user who has an identity at the provider and nothing else. */
const octo = async (world) => {
  const state = await authorize({ code_challenge: "", code_challenge_method: "" })(world);
  await world.provider({ state, code: "gh-code-octo", ...OCTO });
  return world.callback({ state, code: "gh-code-octo" });
};

const linker = async (world) => ({ "jwt:1": (await world.session("ident@example.test")).access_token });

const linking = async (world, recorded, bindings, token) => {
  const authorization = { headers: { authorization: `Bearer ${token}` } };
  const query = "provider=github&skip_http_redirect=true&redirect_to=https%3A%2F%2Fapp.example.test%2Faccount";
  const response = await fetch(`${world.url}/auth/v1/user/identities/authorize?${query}`, authorization);
  const state = new URL((await response.json()).url).searchParams.get("state");
  await atProvider(world, recorded, state);
  return state;
};

export const cases = {
  "callback-pkce-ok": goOn,
  "authorize-again": async (world) => {
    await octo(world);
  },
  "callback-known-user": goOn,
  "callback-implicit-ok": goOn,
  "callback-redirect-not-allowed": flow({ redirect_to: "https://evil.example/x" }),
  "callback-state-expired": async (world, recorded) => {
    const bindings = await flow()(world, recorded);
    await world.advance(360);
    return bindings;
  },
  "callback-links-existing-user": async (world, recorded) => {
    await world.user("github-link@example.test");
    return flow()(world, recorded);
  },
  "callback-banned": async (world, recorded) => {
    await world.user("github-banned@example.test", { ban_duration: "24h" });
    return flow()(world, recorded);
  },
  "signin-password-for-oauth-user": octo,
  "signup-for-oauth-user": octo,
  "recover-for-oauth-user": octo,

  "identity-link-authorize": linker,
  "identity-link-authorize-redirect": linker,
  "identity-link-callback": goOn,
  "identity-link-already-linked": async (world, recorded, bindings) => ({
    "uuid:6": await linking(world, recorded, bindings, bindings.get("jwt:1")),
  }),
  "identity-link-belongs-to-other-user": async (world, recorded, bindings) => {
    const { access_token: token } = await world.session("ident-other@example.test");
    return { "uuid:7": await linking(world, recorded, bindings, token) };
  },
  "identity-delete-not-uuid": linker,
  "identity-delete-unknown": async (world) => {
    const { access_token: token } = await world.session("ident@example.test");
    const state = await linking(world, { request: { query: { code: "gh-code-manual" } } }, undefined, token);
    await world.callback({ state, code: "gh-code-manual" });
    return { "jwt:1": token };
  },
  "identity-link-no-token": async () => {},
  "identity-link-disabled": linker,
  "identity-delete-disabled": async (world) => {
    const session = await world.session("ident@example.test");
    return { ...first(session), "uuid:1": session.user.identities[0].identity_id };
  },
};

export const otherwise = async (world, recorded) => (recorded.request.path === "/callback" ? flow()(world, recorded) : {});

// Everything a measurement needs: Redis, the companions, a person who is signed in, and every gate in front of them.

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { freePort } from "../../scripts/common/ports.mjs";
import { companion, startLocal } from "../../tests/support/local.mjs";
import { startRedis } from "../../tests/support/redis.mjs";
import { workerVars } from "../../tests/support/vars.mjs";
import { startProvider } from "../oauth2/provider.mjs";
import { forgedFrom, proxyCommand, signInAt, toldByProxy } from "../oauth2/proxy.mjs";
import { FROM_ORIGIN, HEADERS, HOST, PROTECTED } from "./browser.mjs";
import { gzipBytes } from "./bundle.mjs";
import { workers } from "./gates.mjs";
import { proveHonest, told } from "./honest.mjs";
import { get, startGate } from "./process.mjs";
import { signedIn } from "./sessions.mjs";
import { workerdCommand } from "./workerd.mjs";

const TARGET = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../target", import.meta.url));
const FOLDER = `${TARGET}/bench`;

/**
 * Starts everything, with all the gates or those of `only`, and so many people who are signed in: one alone would always be
 * in every memory there is. `oauth2Proxy` is that program, or undefined. `stop` ends all of it.
 */
export async function startWorld({ only, sessions, oauth2Proxy, say }) {
  const stops = [];
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    const redis = await startRedis();
    stops.push(redis.stop);
    const site = { gateway: `https://${HOST}`, auth: `https://${HOST}` };
    const args = ["--gateway-url", site.gateway, "--site-url", site.auth];
    const local = await startLocal({ redisUrl: redis.url, args, binary: `${FOLDER}/release/authflow-local` });
    stops.push(local.stop);
    // By number, so that no gate is slowed by looking a name up.
    const urls = { ...site };
    for (const name of ["bridge", "supabase", "origin"]) urls[name] = local[name].replace("localhost", "127.0.0.1");
    const person = await signedIn({ redis, urls, vars: workerVars(urls).auth });
    const world = {
      redis,
      urls,
      person,
      bridge: companion(urls.bridge),
      cookies: await person.cookies(sessions),
      gates: [],
      forKinds: [],
      forObserving: [],
      stop,
    };

    for (const worker of await workers(urls, only)) {
      say(`Starting ${worker.name}`);
      await addWorker(world, stops, worker);
    }
    if (oauth2Proxy) {
      say("Starting oauth2-proxy");
      await addProxy(world, stops, oauth2Proxy);
    }
    return world;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts a gate that is a worker, and proves that it is honest. */
async function addWorker(world, stops, worker) {
  const { person, cookies } = world;
  const { name, modules, forKindsAlone, forObservingAlone } = worker;
  const command = (options) => workerdCommand({ ...worker, folder: `${FOLDER}/gates/${name}`, ...options });
  const gate = { ...worker, gzipBytes: gzipBytes(modules), cookies: person.cookies };
  gate.request = { target: PROTECTED, cookies, expect: { status: 200, body: [FROM_ORIGIN, ...told(gate, person)] } };
  await launch(gate, stops, command);
  await proveHonest(gate, gate.request, person.forged);
  if (!forKindsAlone && !forObservingAlone) world.gates.push(gate);
  if (forKindsAlone || name === "verify") world.forKinds.push(gate);
  if (forObservingAlone || name === "verify") world.forObserving.push(gate);
}

async function addProxy(world, stops, binary) {
  const { person, redis, urls } = world;
  const provider = await startProvider(person);
  stops.push(provider.stop);
  const settings = { binary, origin: urls.origin, redisUrl: redis.url, issuer: provider.issuer, secret: randomBytes(32) };
  const gate = { name: "oauth2-proxy", refuses: ["none", "forged"], gzipBytes: null };
  gate.cookies = (count) => Promise.all(Array.from({ length: count }, () => signInAt(gate.port)));
  gate.request = { target: PROTECTED, cookies: [], expect: { status: 200, body: [FROM_ORIGIN, ...toldByProxy(person)] } };
  await launch(gate, stops, ({ port }) => proxyCommand({ ...settings, port }));
  gate.request.cookies = await gate.cookies(world.cookies.length);
  await proveHonest(gate, gate.request, forgedFrom(gate.request.cookies[0]));
  world.gates.push(gate);
}

/** Starts a gate, and gives it the means to be started once more, on another port. */
async function launch(gate, stops, commandWith) {
  const log = logOf(gate.name);
  rmSync(log, { force: true });
  gate.launch = (port, options) => {
    const [cookie] = gate.request.cookies;
    const command = commandWith({ port, ...options });
    return startGate({ ...command, log }, () => get(port, PROTECTED, cookie ? { ...HEADERS, cookie } : HEADERS));
  };
  gate.port = await freePort();
  const { pid, stop } = await gate.launch(gate.port);
  gate.pid = pid;
  stops.push(stop);
}

function logOf(name) {
  const folder = `${FOLDER}/logs`;
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
  return `${folder}/${name}.log`;
}

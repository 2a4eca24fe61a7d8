// Everything a measurement needs: Redis, the companions, a person who is signed in, and every gate in front of them.

import { existsSync, mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { companion, startLocal } from "../../tests/support/local.mjs";
import { freePort } from "../../tests/support/process.mjs";
import { startRedis } from "../../tests/support/redis.mjs";
import { workerVars } from "../../tests/support/vars.mjs";
import { startProvider } from "../oauth2/provider.mjs";
import { proxyCommand, signInAt, toldByProxy } from "../oauth2/proxy.mjs";
import { FROM_ORIGIN, HEADERS, HOST, PROTECTED } from "./browser.mjs";
import { gzipBytes } from "./bundle.mjs";
import { workers } from "./gates.mjs";
import { proveHonest, told } from "./honest.mjs";
import { get, startGate } from "./process.mjs";
import { signedIn } from "./sessions.mjs";
import { workerdCommand } from "./workerd.mjs";

const TARGET = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../target", import.meta.url));
const FOLDER = `${TARGET}/bench`;
/** People who come at once. One alone would always be in every memory there is. */
const SESSIONS = 50;

/** Starts everything. `oauth2Proxy` is that program, or undefined. `stop` ends all of it. */
export async function startWorld({ oauth2Proxy, say }) {
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
    const world = { redis, urls, person, bridge: companion(urls.bridge), cookies: await person.cookies(SESSIONS), gates: [], forKinds: [], stop };

    for (const worker of await workers(urls)) {
      say(`Starting ${worker.name}`);
      await add(world, stops, worker, (port) => workerdCommand({ ...worker, folder: `${FOLDER}/gates/${worker.name}`, port }));
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

/** Starts one gate, proves that it is honest, and remembers how to start it again. */
async function add(world, stops, { name, modules, identity, refuses, forKindsAlone }, commandOn) {
  const { person } = world;
  const gate = { name, identity, refuses, gzipBytes: modules ? gzipBytes(modules) : null, port: await freePort(), sent: 0 };
  const expect = { status: 200, body: [FROM_ORIGIN, ...told(gate, person)] };
  gate.request = { target: PROTECTED, cookies: world.cookies, expect };
  gate.launch = async (port = gate.port) => {
    const ask = () => get(port, PROTECTED, { ...HEADERS, cookie: world.cookies[0] });
    return startGate({ ...commandOn(port), log: logOf(name) }, ask);
  };
  rmSync(logOf(name), { force: true });
  const process = await gate.launch();
  gate.pid = process.pid;
  stops.push(process.stop);
  await proveHonest(gate, gate.request, person.forged);
  if (!forKindsAlone) world.gates.push(gate);
  if (forKindsAlone || name === "verify") world.forKinds.push(gate);
}

async function addProxy(world, stops, binary) {
  const { person, redis, urls } = world;
  const provider = await startProvider(person);
  stops.push(provider.stop);
  const gate = { name: "oauth2-proxy", identity: true, refuses: ["none"], gzipBytes: null, port: await freePort(), sent: 0 };
  const commandOn = (port) => proxyCommand({ binary, port, origin: urls.origin, redisUrl: redis.url, issuer: provider.issuer });
  // Its secret is new with each start, so what counts is that it answers.
  gate.launch = (port = gate.port) => startGate({ ...commandOn(port), log: logOf(gate.name) }, () => get(port, PROTECTED, HEADERS));
  rmSync(logOf(gate.name), { force: true });
  const process = await gate.launch();
  gate.pid = process.pid;
  stops.push(process.stop);
  const cookies = [await signInAt(gate.port)];
  gate.request = { target: PROTECTED, cookies, expect: { status: 200, body: [FROM_ORIGIN, ...toldByProxy(person)] } };
  await proveHonest(gate, gate.request, person.forged);
  world.gates.push(gate);
}

function logOf(name) {
  const folder = `${FOLDER}/logs`;
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
  return `${folder}/${name}.log`;
}

// How many requests one, two and three gateways answer, and what of a processor each request takes, in every process on its
// way. Prints a table for docs/SELF-HOST.md: node tests/self-host/throughput.mjs [ROUNDS [SHARE]]. It needs `scripts/bench
// --quick` to have built the load generator once, and wants a machine that does nothing else.
//
// With a SHARE, each gateway gets so many hundredths of one processor and no more (by a control group, as root): so it shows
// what another gateway adds, on a machine that has not a processor for each of them and all else besides.
//
// Every request is a signed-in person's, over connections that stay open, without TLS through nginx' inner listener; the
// application is another nginx, which does next to nothing. One round has all three; rounds follow each other, and the median
// of each figure is told.

import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { HEADERS } from "../../benches/world/browser.mjs";
import { load } from "../../benches/world/load.mjs";
import { cpuMicros } from "../../benches/world/process.mjs";
import { freePort } from "../../scripts/common/ports.mjs";
import { portOf } from "../../scripts/self-hosting/folder.mjs";
import { findPrograms } from "../../scripts/self-hosting/programs.mjs";
import { startProcess } from "../support/process.mjs";
import { signUp } from "./person.mjs";
import { childrenOf, emptyFolder, startWorld } from "./world.mjs";

const [ROUNDS, SHARE] = [Number(process.argv[2] ?? 3), Number(process.argv[3] ?? 0)];
const [WARM, REQUESTS, CONNECTIONS] = SHARE ? [300, 2_000, 24] : [2_000, 12_000, 24];
const GROUPS = { gateways: /^verify-/, bridges: /^bridge-/, redis: /^redis$/, nginx: /^nginx$/ };

const rounds = [];
for (let round = 1; round <= ROUNDS; round += 1) {
  const row = [];
  for (const gateways of [1, 2, 3]) row.push(await measure(gateways));
  rounds.push(row);
  process.stderr.write(`round ${round}: ${JSON.stringify(row)}\n`);
}
print();

async function measure(gateways) {
  const origin = await startOrigin();
  const routes = () => [{ id: "app", path: "/app/*", upstream: origin.url }];
  const args = ["--verify", String(gateways)];
  const world = await startWorld({ routes, args, lines: { LOG_LEVEL: "error", METRICS_TOKEN: "" } }).catch(async (error) => {
    await origin.stop();
    throw error;
  });
  const groups = [];
  try {
    const pids = (await world.status()).filter(([name]) => GROUPS.gateways.test(name)).map(([, pid]) => pid);
    if (SHARE) groups.push(...pids.map(confine));
    const { host: _, "cf-connecting-ip": __, ...device } = HEADERS;
    const ada = await signUp(world, world.auths[0], device);
    const gate = { name: `${gateways} gateways`, port: portOf(world.plan.inner.verify) };
    const request = { target: "/app/x", cookies: [`__Host-authflow=${ada.token}`], expect: { status: 200, body: ["hello"] } };
    const send = (requests) => load({ gate, request, connections: CONNECTIONS, shape: { kind: "closed", requests } });
    await send(WARM);
    const before = await processorTimes(world);
    const began = performance.now();
    await send(REQUESTS);
    const seconds = (performance.now() - began) / 1000;
    const after = await processorTimes(world);
    const each = Object.keys(GROUPS).map((name) => [`${name}_us`, Math.round((after[name] - before[name]) / REQUESTS)]);
    return { gateways, rps: Math.round(REQUESTS / seconds), ...Object.fromEntries(each) };
  } finally {
    await world.stop();
    for (const group of groups) rmdirSync(group);
    await origin.stop();
  }
}

/** Puts a process into a control group of its own with `SHARE` of a processor; gives the group's folder. */
function confine(pid) {
  const isUnified = existsSync("/sys/fs/cgroup/cgroup.controllers");
  const group = `/sys/fs/cgroup/${isUnified ? "" : "cpu/"}authflow-${pid}`;
  const set = (name, value) => writeFileSync(join(group, name), value);
  mkdirSync(group);
  if (isUnified) {
    set("cpu.max", `${SHARE * 1_000} 100000`);
  } else {
    set("cpu.cfs_period_us", "100000");
    set("cpu.cfs_quota_us", `${SHARE * 1_000}`);
  }
  set("cgroup.procs", pid);
  return group;
}

/** Microseconds of processor time so far, by group. */
async function processorTimes(world) {
  const status = await world.status();
  const pids = (pattern) => status.filter(([name]) => pattern.test(name)).map(([, pid]) => Number(pid));
  const whole = (pid) => [pid, ...childrenOf(pid)].reduce((sum, one) => sum + cpuMicros(one), 0);
  const sum = (pattern) => pids(pattern).reduce((sum, pid) => sum + whole(pid), 0);
  return Object.fromEntries(Object.entries(GROUPS).map(([name, pattern]) => [name, sum(pattern)]));
}

/** An application that says hello. */
async function startOrigin() {
  const [folder, port] = [await emptyFolder(), await freePort()];
  await mkdir(join(folder, "logs"));
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(" ");
  const server = `server { listen 127.0.0.1:${port}; keepalive_requests 1000000; location / { return 200 "hello"; } }`;
  const http = `http { access_log off; ${temporary} ${server} }`;
  writeFileSync(join(folder, "nginx.conf"), `pid nginx.pid; error_log stderr notice; events {} ${http}`);
  const user = process.getuid() === 0 ? "user root; " : "";
  const args = ["-p", `${folder}/`, "-c", "nginx.conf", "-g", `${user}daemon off;`];
  const nginx = await startProcess(findPrograms().nginx, args, { isReady: (line) => line.includes("start worker process ") });
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      await nginx.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function print() {
  const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  const names = ["rps", ...Object.keys(GROUPS).map((name) => `${name}_us`)];
  console.log(`| gateways | ${names.join(" | ")} |\n|---|${names.map(() => "---").join("|")}|`);
  for (const at of [0, 1, 2]) {
    const figures = names.map((name) => median(rounds.map((row) => row[at][name])));
    console.log(`| ${at + 1} | ${figures.join(" | ")} |`);
  }
}

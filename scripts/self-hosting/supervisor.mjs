// The process that all others are children of: it starts them, starts again what ends, and ends them. Without it they end, too.

import { cpSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { needCertificate } from "./certificate.mjs";
import { serveControl } from "./control.mjs";
import { Fleet } from "./fleet.mjs";
import { makeFolders } from "./folder.mjs";
import { forgetIdentity, noteIdentity } from "./identity.mjs";
import { hereConf } from "./nginx.mjs";
import { findPrograms } from "./programs.mjs";
import { loadSettings } from "./settings.mjs";

const NGINX = fileURLToPath(new URL("../../deploy/self-host/nginx/", import.meta.url));

/**
 * Starts everything by `plan` in the folder of `paths`, and serves commands from then on. `say(line)` gets what happens.
 * `started` comes once all of it is ready, `ended` with the end, however that was asked for; `stop` asks for it at any time.
 */
export function supervise(paths, plan, say) {
  const graceMs = plan.graceSeconds * 1000;
  const readyMs = plan.readySeconds * 1000;
  const look = () => {
    const world = { paths, plan, settings: loadSettings(paths, plan), programs: findPrograms(), graceMs, readyMs };
    writeNginxConf(world);
    return world;
  };
  noteIdentity(paths.pid);
  rmSync(paths.out, { recursive: true, force: true });
  makeFolders(paths);
  /** Whoever gave a command hears of it, too. */
  let listener;
  const tell = (line) => [say, listener].forEach((one) => one?.(line));
  const fleet = new Fleet(look(), tell);
  const ended = Promise.withResolvers();
  let control;
  const end = async () => {
    await fleet.stop();
    (await control).close();
    rmSync(paths.control, { force: true });
    forgetIdentity(paths.pid);
    ended.resolve();
  };
  let stopping;
  const stop = () => (stopping ??= end());
  const heard = (action) => (who) => {
    listener = who;
    return action().finally(() => (listener = undefined));
  };
  control = serveControl(paths.control, {
    status: async (who) => (await fleet.status()).forEach((line) => who(line)),
    restart: heard(async () => fleet.restart(look())),
    stop: heard(stop),
  });
  const start = async () => {
    await control;
    await fleet.start();
  };
  const started = start().catch(async (error) => {
    await stop();
    throw error;
  });
  return { started, stop, ended: ended.promise };
}

/** Puts nginx's configuration into the folder: what is the same everywhere, and what is of this machine. */
function writeNginxConf({ paths, plan, settings }) {
  cpSync(NGINX, paths.nginxConf, { recursive: true, filter: (path) => !path.endsWith(".here.conf") });
  const hasIpv6 = Object.values(networkInterfaces())
    .flat()
    .some(({ family }) => family === "IPv6");
  const listen = [`${plan.outer}`, ...(hasIpv6 ? [`[::]:${plan.outer}`] : [])];
  const outer = { listen, ...needCertificate(join(paths.nginxConf, "tls"), plan) };
  const site = { instances: plan.instances, inner: plan.inner, outer, out: paths.out, log: paths.log("nginx-trouble") };
  writeFileSync(join(paths.nginxConf, "here.conf"), hereConf({ ...site, limit: settings.NGINX_LIMIT }), { mode: 0o600 });
}

// The process that all others are children of: it starts them, starts again what ends, and ends them. Without it they end, too.

import { cpSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { needCertificate } from "./certificate.mjs";
import { serveControl } from "./control.mjs";
import { Fleet } from "./fleet.mjs";
import { forgetIdentity, noteIdentity } from "./identity.mjs";
import { hereConf } from "./nginx.mjs";
import { makeFolders } from "./place.mjs";
import { findPrograms } from "./programs.mjs";
import { loadSettings } from "./settings.mjs";

const NGINX = fileURLToPath(new URL("../../deploy/self-host/nginx/", import.meta.url));

/**
 * Starts everything by `plan` in the folder of `paths`, and serves commands from then on. `say(line)` gets what happens.
 * Gives `stop`, and `ended`, which comes with the end however it was asked for.
 */
export async function supervise(paths, plan, say) {
  const ended = Promise.withResolvers();
  noteIdentity(paths.pid);
  const look = () => ({ paths, plan, settings: loadSettings(paths, plan), programs: findPrograms(), graceMs: plan.graceSeconds * 1000 });
  rmSync(paths.out, { recursive: true, force: true });
  makeFolders(paths);
  const world = look();
  writeNginxConf(world);
  let tell = say;
  const fleet = new Fleet(world, (line) => tell(line));
  let stopping;
  const stop = () => (stopping ??= end());
  const end = async () => {
    await fleet.stop();
    control.close();
    rmSync(paths.control, { force: true });
    forgetIdentity(paths.pid);
    ended.resolve();
  };
  /** Whoever gave the command hears of it, too. */
  const heard = (action) => async (listener) => {
    tell = (line) => [say, listener].forEach((one) => one(line));
    await action(listener).finally(() => (tell = say));
  };
  const control = await serveControl(paths.control, {
    status: async (listener) => (await fleet.status()).forEach((line) => listener(line)),
    restart: heard(async () => {
      const now = look();
      writeNginxConf(now);
      await fleet.restart(now);
    }),
    stop: heard(stop),
  });
  try {
    await fleet.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop, ended: ended.promise };
}

/** Puts nginx's configuration into the folder: what is the same everywhere, and what is of this machine. */
function writeNginxConf({ paths, plan, settings }) {
  cpSync(NGINX, paths.nginxConf, { recursive: true, filter: (path) => !path.endsWith(".here.conf") });
  const hasIpv6 = Object.values(networkInterfaces()).flat().some(({ family }) => family === "IPv6");
  const listen = [`${plan.outer}`, ...(hasIpv6 ? [`[::]:${plan.outer}`] : [])];
  const outer = { listen, ...needCertificate(join(paths.nginxConf, "tls"), plan) };
  const place = { instances: plan.instances, inner: plan.inner, outer, out: paths.out, log: paths.log("nginx-trouble") };
  writeFileSync(join(paths.nginxConf, "here.conf"), hereConf({ ...place, limit: settings.NGINX_LIMIT }), { mode: 0o600 });
}

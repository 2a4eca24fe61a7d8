// A real PostgreSQL of one's own: a socket in a temporary folder, no port, gone with the test.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import pg from "pg";

import { findCommand } from "../../scripts/common/command.mjs";
import { leftFolders, makeFolder } from "./folders.mjs";
import { startProcess } from "./process.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const MIGRATIONS = join(ROOT, "supabase/migrations");
const TEMPLATES = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "postgres");
const FOLDERS = "authflow-pg-";

const run = promisify(execFile);

/** What Supabase has before any migration: its roles, with rights on all that is new. */
const SUPABASE = `
  create role anon nologin noinherit;
  create role authenticated nologin noinherit;
  create role service_role nologin noinherit bypassrls;
  create role authenticator login noinherit;
  grant anon, authenticated, service_role to authenticator;
  grant usage on schema public to anon, authenticated, service_role;
  alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
  alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
  alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
`;

/** What is written need not outlive the machine's power, and ten of them run at once. */
const SETTINGS = {
  listen_addresses: "",
  fsync: "off",
  full_page_writes: "off",
  wal_level: "minimal",
  max_wal_senders: "0",
  shared_buffers: "16MB",
  max_connections: "50",
  autovacuum: "off",
  jit: "off",
  dynamic_shared_memory_type: "mmap",
};

/** Where packages put their programs, off the PATH: Debian's, and Homebrew's. The newest version is taken. */
const PLACES = [
  ["/usr/lib/postgresql", /^\d+$/],
  ["/opt/homebrew/opt", /^postgresql@\d+$/],
  ["/usr/local/opt", /^postgresql@\d+$/],
];
const number = (name) => Number(/\d+$/.exec(name)[0]);

/** The folder of PostgreSQL's programs, or undefined where it is not installed. */
export async function findPostgres() {
  const folders = PLACES.flatMap(([place, names]) => {
    const found = existsSync(place) ? readdirSync(place).filter((name) => names.test(name)) : [];
    return found.sort((a, b) => number(b) - number(a)).map((name) => join(place, name, "bin"));
  });
  const onPath = findCommand("initdb");
  if (onPath) folders.push(dirname(onPath));
  const config = findCommand("pg_config");
  if (config) folders.push((await run(config, ["--bindir"])).stdout.trim());
  return folders.find((folder) => ["initdb", "postgres"].every((name) => existsSync(join(folder, name))));
}

/** Our migrations, in their order, as SQL. */
export function migrations() {
  const names = readdirSync(MIGRATIONS).filter((name) => name.endsWith(".sql"));
  return names.sort().map((name) => readFileSync(join(MIGRATIONS, name), "utf8"));
}

/**
 * Starts a PostgreSQL with Supabase's roles and our migrations; with `bare`, one that has nothing yet.
 *
 * `query(sql, {role, values})` gives the rows of a statement, or those of the last of several; `connect({role})` is a
 * connection of one's own, a client of `pg`'s. `stop` ends the server and
 * deletes all it had, `kill` ends it at once; `freeze` leaves connections open without an answer until `thaw`; `restart`
 * gives one with the same data on the same `url`.
 */
export async function startPostgres({ bare = false } = {}) {
  const bin = await findPostgres();
  if (!bin) throw new Error("PostgreSQL is not installed: scripts/setup installs it");
  await sweep();
  const user = await systemUser();
  const folder = await newFolder(user);
  const data = join(folder, "data");
  const remove = () => rm(folder, { recursive: true, force: true });
  let server;
  try {
    await copy(await template(bin, user, bare), data, user);
    server = await launch(bin, folder, user);
  } catch (error) {
    await remove();
    throw error;
  }

  let pools = new Map();
  const pool = (role) => {
    if (!pools.has(role)) {
      const made = new pg.Pool({ ...login(folder, role), max: 5 });
      made.on("error", () => {});
      pools.set(role, made);
    }
    return pools.get(role);
  };
  const disconnect = () => {
    for (const pool of pools.values()) pool.end().catch(() => {});
    pools = new Map();
  };
  /** To the server and its processes; while it stands still, it starts no other. */
  const signal = async (name) => {
    if (!server) return;
    server.signal("SIGSTOP");
    for (const pid of await childrenOf(server.pid)) send(pid, name);
    server.signal(name);
  };
  const kill = async () => {
    disconnect();
    await signal("SIGKILL");
    await server?.exited;
    server = undefined;
  };
  return {
    url: `postgresql://authenticator@/postgres?host=${encodeURIComponent(folder)}`,
    async query(sql, { role, values } = {}) {
      const result = await pool(role).query(sql, values);
      return (Array.isArray(result) ? result.at(-1) : result).rows;
    },
    async connect({ role } = {}) {
      const client = new pg.Client(login(folder, role));
      client.on("error", () => {});
      await client.connect();
      return client;
    },
    async stop() {
      disconnect();
      await signal("SIGCONT");
      await server?.stop("SIGQUIT");
      server = undefined;
      await forgetSharedMemory(data);
      await remove();
    },
    kill,
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    async restart() {
      await kill();
      server = await launch(bin, folder, user);
    },
  };
}

function launch(bin, folder, user) {
  const settings = Object.entries({ ...SETTINGS, unix_socket_directories: folder });
  const args = ["-D", join(folder, "data"), ...settings.flatMap(([name, value]) => ["-c", `${name}=${value}`])];
  return startProcess(join(bin, "postgres"), args, {
    isReady: (line) => line.includes("database system is ready to accept connections"),
    env: { ...process.env, LC_ALL: "C" },
    as: { ...user, cwd: folder },
  });
}

const login = (folder, role) => ({ host: folder, user: "postgres", database: "postgres", options: role && `-c role=${role}` });

/** A stopped server's data to be copied, made once for each version of PostgreSQL and of what is in it. */
async function template(bin, user, bare) {
  const version = (await run(join(bin, "postgres"), ["--version"])).stdout;
  const contents = bare ? [] : [SUPABASE, ...migrations()];
  const hash = createHash("sha256")
    .update(JSON.stringify([version, contents]))
    .digest("hex");
  const made = join(TEMPLATES, hash.slice(0, 16));
  if (existsSync(made)) return made;
  const folder = await newFolder(user);
  try {
    const data = join(folder, "data");
    const args = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--wal-segsize=1"];
    await run(join(bin, "initdb"), args, { ...user, cwd: folder });
    const server = await launch(bin, folder, user);
    try {
      const client = new pg.Client(login(folder));
      await client.connect();
      for (const sql of contents) await client.query(sql);
      await client.end();
    } finally {
      await server.stop("SIGINT");
    }
    await mkdir(TEMPLATES, { recursive: true });
    const new_ = await mkdtemp(join(TEMPLATES, "new-"));
    await copy(data, join(new_, "data"));
    try {
      await rename(join(new_, "data"), made);
    } catch (error) {
      // Another test may have been quicker.
      if (!existsSync(made)) throw error;
    } finally {
      await rm(new_, { recursive: true });
    }
    return made;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copy(from, to, user) {
  await run("cp", ["-R", from, to]);
  if (user) await run("chown", ["-R", `${user.uid}:${user.gid}`, to]);
  await chmod(to, 0o700);
}

/** PostgreSQL refuses to run as root: whom it runs as then; else undefined. */
async function systemUser() {
  if (process.getuid() !== 0) return undefined;
  const id = async (flag, name) => Number((await run("id", [flag, name])).stdout);
  for (const name of ["postgres", "nobody"]) {
    try {
      return { uid: await id("-u", name), gid: await id("-g", name) };
    } catch {
      // There is no such user.
    }
  }
  throw new Error("PostgreSQL does not run as root, and there is neither a user postgres nor nobody");
}

/** A folder whose name tells whose it is, and is short: the path of a socket may have a hundred bytes. */
async function newFolder(user) {
  const folder = await makeFolder(FOLDERS);
  if (user) await run("chown", [`${user.uid}:${user.gid}`, folder]);
  return folder;
}

/** Deletes what tests that were killed have left. */
async function sweep() {
  for (const folder of await leftFolders(FOLDERS)) {
    await forgetSharedMemory(join(folder, "data"));
    // It may be another user's, or be swept by another test.
    await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}

/** A server that was killed leaves a segment of shared memory, of which the system has only so many. */
async function forgetSharedMemory(data) {
  try {
    const [key, id] = readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[6].trim().split(/ +/);
    if (key) await run("ipcrm", ["-m", id]);
  } catch {
    // It ended in order, or the segment is gone.
  }
}

async function childrenOf(pid) {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,ppid="]);
  const pairs = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/ +/).map(Number));
  return pairs.filter(([, parent]) => parent === pid).map(([child]) => child);
}

/** Whether there was such a process. */
function send(pid, signal) {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

// The file of a stage's secrets, beside wrangler.toml: lines NAME='value', as check-config and wrangler read them. Nobody but
// its owner may read it, and git passes over it.

import { chmodSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseEnv } from "node:util";

import { Failure } from "../common/failure.mjs";
import { isUsed, SECRETS, secretsOf } from "../common/secret-names.mjs";
import { lock } from "./lock.mjs";

/** What is known of the secrets, and is none: when each was uploaded, the last uploads, and which are being changed. */
const STATE = "AUTHFLOW_STATE";

/** As many uploads are known. */
const UPLOADS = 100;

const HEAD = (
  stage,
) => `# AuthFlow's secrets of ${stage}. Keep this file in a vault, and nowhere else once they are uploaded: whoever has
# it can forge anybody's session. scripts/secrets reads and writes it; a name that ends in _VERIFY or _AUTH is for that
# worker alone.
`;

export class SecretFile {
  #stage;
  #values;

  /** Whoever `writes` it is the only one, until their process ends. */
  constructor({ stage, config }, { writes = false } = {}) {
    this.#stage = stage;
    this.path = join(dirname(config), `.secrets.${stage}`);
    if (writes) lock(this.path);
    this.exists = existsSync(this.path);
    this.#values = this.exists ? this.#read() : {};
    this.state = { uploaded: {}, uploads: [], rotations: {}, ...JSON.parse(this.#values[STATE] ?? "{}") };
    delete this.#values[STATE];
  }

  #read() {
    if (statSync(this.path).mode & 0o077) throw new Failure(`others may read ${this.path}: chmod 600 ${this.path}`);
    const values = parseEnv(readFileSync(this.path, "utf8"));
    const known = (name) => name in SECRETS || name.replace(/_(VERIFY|AUTH)$/, "") in SECRETS || name === STATE;
    const unknown = Object.keys(values).filter((name) => !known(name));
    if (unknown.length > 0) throw new Failure(`${this.path} has ${unknown.join(", ")}, which no worker reads`);
    return values;
  }

  get(name) {
    return this.#values[name] || undefined;
  }

  /** Sets a value; it is kept by `write`. */
  set(name, value) {
    if (/['\n\r]/.test(value)) throw new Failure(`the value of ${name} holds a quote or a line break; it is not one`);
    this.#values[name] = value;
  }

  /** Whether the file's values are those of the upload `name`, or came after it. */
  knows(name) {
    return name === undefined || this.state.uploads.includes(name);
  }

  /** Keeps that they go up as the upload `name`, before they do. */
  goesUpAs(name) {
    this.state.uploads = [...this.state.uploads, name].slice(-UPLOADS);
    this.write();
  }

  /** The value of `name` for one worker. */
  valueFor(service, name) {
    return this.get(`${name}_${service.toUpperCase()}`) ?? this.get(name);
  }

  /** All that `worker` has a use for. */
  of({ service, settings }) {
    const names = secretsOf(service).filter((name) => isUsed(name, settings.vars) && this.valueFor(service, name));
    return Object.fromEntries(names.map((name) => [name, this.valueFor(service, name)]));
  }

  /** In one go: nobody finds half a file, and nothing is lost where the disk is full. */
  write() {
    const lines = Object.entries({ ...this.#values, [STATE]: JSON.stringify(this.state) }).map(
      ([name, value]) => `${name}='${value}'\n`,
    );
    const next = `${this.path}.new`;
    writeFileSync(next, HEAD(this.#stage) + lines.join(""), { mode: 0o600 });
    chmodSync(next, 0o600);
    renameSync(next, this.path);
    this.exists = true;
  }
}

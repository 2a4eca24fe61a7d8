// Certificates of one's own, made by openssl: an authority, and what it signed.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];

/**
 * Makes an authority. `ca` is the path of its certificate; `sign(name, hosts)` gives the paths of a certificate for `hosts`
 * and of its key, as `{cert, key}`; `remove()` deletes all of it.
 */
export async function makeAuthority(name = "authority") {
  const folder = await mkdtemp(join(tmpdir(), "authflow-certificates-"));
  const path = (file) => join(folder, file);
  const openssl = (...args) => run("openssl", args);
  const [ca, caKey] = [path("ca.pem"), path("ca.key")];
  await openssl("req", "-x509", ...KEY, "-keyout", caKey, "-out", ca, "-days", "2", "-subj", `/CN=${name}`);
  return {
    ca,
    async sign(subject, hosts = ["DNS:localhost", "IP:127.0.0.1"]) {
      const [cert, key, request, extensions] = ["pem", "key", "csr", "ext"].map((ending) => path(`${subject}.${ending}`));
      await openssl("req", ...KEY, "-keyout", key, "-out", request, "-subj", `/CN=${subject}`);
      await writeFile(extensions, `subjectAltName=${hosts.join(",")}\n`);
      const by = ["-CA", ca, "-CAkey", caKey, "-CAcreateserial"];
      await openssl("x509", "-req", "-in", request, ...by, "-out", cert, "-days", "2", "-extfile", extensions);
      return { cert, key };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

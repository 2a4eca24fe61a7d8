// The certificate that nginx shows: the operator's, or one made here, which no browser trusts.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

import { complain } from "./complaint.mjs";

const SUBJECT = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"];

/** `{ certificate, key }` as paths; those given, or those in `folder`, made for `localhost` where they are missing. */
export function needCertificate(folder, { certificate, key }) {
  if (Boolean(certificate) !== Boolean(key)) complain("--certificate and --key go together");
  if (certificate) {
    for (const path of [certificate, key]) if (!existsSync(path)) complain(`there is no file ${path}`);
    return { certificate: resolve(certificate), key: resolve(key) };
  }
  const made = { certificate: join(folder, "fullchain.pem"), key: join(folder, "key.pem") };
  if (!existsSync(made.certificate)) {
    const algorithm = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const files = ["-keyout", made.key, "-out", made.certificate];
    execFileSync("openssl", ["req", "-x509", ...algorithm, ...files, "-days", "365", ...SUBJECT], { stdio: "pipe" });
  }
  return made;
}

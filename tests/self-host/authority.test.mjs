// An application whose certificate is of one's own authority.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer } from "node:https";
import { join } from "node:path";
import { after, before, it } from "node:test";

import { PlainClient } from "./client.mjs";
import { emptyFolder, startWorld } from "./world.mjs";

let folder;
let origin;
before(async () => {
  folder = await emptyFolder();
  const [key, cert] = certify();
  origin = createServer({ key, cert }, (_, response) => response.end("hello")).listen(0, "127.0.0.1");
  await once(origin, "listening");
});
after(async () => {
  origin?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Makes an authority, `ca.pem`, and a key and certificate of it for `localhost`. */
function certify() {
  const openssl = (...args) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const key = (name) => ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name];
  openssl("req", "-x509", ...key("ca.key"), "-out", "ca.pem", "-days", "2", "-subj", "/CN=an authority");
  openssl("req", ...key("key.pem"), "-out", "request.pem", "-subj", "/CN=localhost");
  writeFileSync(join(folder, "extensions"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n");
  const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "extensions"];
  openssl("x509", "-req", "-in", "request.pem", "-out", "cert.pem", "-days", "2", ...signed);
  return ["key.pem", "cert.pem"].map((name) => readFileSync(join(folder, name)));
}

/** What a client gets from the application through a world with `settings`. */
async function visit(t, settings) {
  const upstream = `https://localhost:${origin.address().port}`;
  const routes = () => [{ id: "public", path: "/public/*", upstream, access: "public" }];
  const world = await startWorld({ routes, lines: settings, args: ["--verify", "1"] });
  t.after(() => world.stop());
  return new PlainClient(world.https, world.certificate).send("GET", "/public/x");
}

it("is reached where the authority is named, and not where it is not", { timeout: 60_000 }, async (t) => {
  const stranger = await visit(t, {});
  assert.deepEqual([stranger.status, JSON.parse(stranger.text).code], [502, "upstream_unreachable"]);
  const known = await visit(t, { SSL_CERT_FILE: join(folder, "ca.pem") });
  assert.deepEqual([known.status, known.text], [200, "hello"]);
});

// The release before this one, as it was deployed: what is kept by the one must be read by the other.

import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const LAST = "0.1.0";

/** Unpacks its build of `service`, and gives the folder as `startStack` and `startAnother` want it. */
export async function unpacked(service) {
  const packed = `${ROOT}tests/upgrade/release-${LAST}/${service}/`;
  const folder = `target/test/release-${LAST}/${service}-${process.pid}`;
  await mkdir(ROOT + folder, { recursive: true });
  await copyFile(`${packed}index.js`, `${ROOT}${folder}/index.js`);
  const wasm = await promisify(gunzip)(await readFile(`${packed}index_bg.wasm.gz`));
  await writeFile(`${ROOT}${folder}/index_bg.wasm`, wasm);
  return folder;
}

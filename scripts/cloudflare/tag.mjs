// A version's tag: what it is told from others by, and which upload of secrets it has, if it was made by scripts/secrets.
//
// That upload's name is in the file of the secrets, too, beside those of all before it. So a file that does not know what
// Cloudflare has is an old copy, or another one.

import { randomBytes } from "node:crypto";

const SECRETS = /^(.*)\.secrets-([0-9a-f]{12})$/;

/** A name for an upload of secrets. */
export const newUpload = () => randomBytes(6).toString("hex");

export const tagWith = (code, upload) => (upload ? `${code}.secrets-${upload}` : code);

/** The tag of an API's version, in its parts. */
export function tagOf({ annotations }) {
  const tag = annotations?.["workers/tag"];
  const [, code, upload] = SECRETS.exec(tag ?? "") ?? [];
  return upload ? { code, upload } : { code: tag };
}

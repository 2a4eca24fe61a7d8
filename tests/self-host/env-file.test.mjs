// Settings mean the same to scripts/self-host, systemd and Compose, or are refused.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

import { parseEnvFile } from "../../scripts/self-hosting/env-file.mjs";

const read = (text) => parseEnvFile("settings.env", text);

describe("what all read alike", () => {
  const cases = [
    ["A=b", { A: "b" }],
    ["A=\nB=c\n", { A: "", B: "c" }],
    ["# A=b#c\n\n  A = b c \n", { A: "b c" }],
    ["A='#0055ff'\nB=\"it's #1\"\n", { A: "#0055ff", B: "it's #1" }],
    ["A='a\\b$c\"d'\r\nB=c\r\n", { A: 'a\\b$c"d', B: "c" }],
    ["A='one\ntwo # three'\nB=c", { A: "one\ntwo # three", B: "c" }],
    ['R=[{"id":"app"}]', { R: '[{"id":"app"}]' }],
  ];
  for (const [text, expected] of cases) it(JSON.stringify(text), () => assert.deepEqual({ ...read(text) }, expected));

  it("the file to begin with", () => {
    const example = new URL("../../deploy/self-host/settings.env.example", import.meta.url);
    assert.equal(read(readFileSync(example, "utf8")).SESSION_SECRET, "");
  });
});

describe("what somebody would read otherwise is refused, and not shown", () => {
  const bare = ["secret#1", "#secret", "secret #1", "secret$1", "secret\\1", "`secret`"];
  const quoted = ["'secret' # 1", "'secret'1", "'secret", '"secret', '"secret$1"', '"secret\\n"'];
  for (const value of [...bare, ...quoted]) {
    it(value, () => {
      const expected = /^settings\.env, line 3: put all of A's value into single quotes/;
      assert.throws(
        () => read(`B=1\n\nA=${value}\nC=2\n`),
        ({ message }) => expected.test(message) && !message.includes("secret"),
      );
    });
  }

  it("a line without a name", () => {
    assert.throws(() => read("A=1\nsecret\n"), { message: "settings.env, line 2: this is not NAME=value" });
  });
});

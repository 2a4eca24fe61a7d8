// Who did what to which account: as lines of the log, and as data points of the platform's dataset.

import assert from "node:assert/strict";
import { it } from "node:test";

import { api, signUp } from "../support/person.mjs";
import { startStack } from "../support/stack.mjs";

/** Stands in for Workers Analytics Engine, whose local edition keeps nothing: it logs what it is given. */
const DATASET = `
  import { WorkerEntrypoint } from "cloudflare:workers";
  export default class extends WorkerEntrypoint {
    writeDataPoint(point) { console.log(JSON.stringify({ msg: "data_point", point })); }
  }
`;

it("each event is a line whatever the level, and a data point where a dataset is bound", async (t) => {
  const vars = { auth: { ANSWER_FLOOR_MS: "0", LOG_LEVEL: "error", AUDIT_DATASET: "AUDIT" } };
  const stack = await startStack({ vars, inline: { auth: { AUDIT: DATASET } } });
  t.after(() => stack.stop());
  const ada = await signUp(stack);
  await api(stack, "signin", { email: ada.email, password: "wrong" });
  await api(stack, "logout", {}, { headers: { cookie: ada.cookie } });

  const events = () => stack.logs.records.filter(({ msg }) => msg === "audit");
  await stack.logs.find(({ msg, event }) => msg === "audit" && event === "sign_out");
  const told = events().map(({ event, result }) => [event, result].join(" "));
  assert.deepEqual(told, ["sign_up verification_required", "sign_in signed_in", "sign_in invalid_credentials", "sign_out "]);
  assert.deepEqual(
    stack.logs.records.filter(({ msg }) => msg === "request"),
    [],
    "the level is error",
  );

  await stack.logs.find(({ msg, point }) => msg === "data_point" && point.blobs[0] === "sign_out");
  const points = stack.logs.records.filter(({ msg }) => msg === "data_point").map(({ point }) => point);
  for (const line of events()) {
    const { event, result = "", user_id = "", account = "", network, request_id } = line;
    const point = points.find(({ blobs }) => blobs[11] === request_id);
    assert.deepEqual(
      [0, 1, 3, 4, 9, 10].map((blob) => point.blobs[blob]),
      [event, result, user_id, account, network, "auth"],
    );
    assert.deepEqual(point.indexes, [user_id || account]);
  }
  assert.equal(points.length, events().length);
});

it("the platform's own dataset takes them", async (t) => {
  const vars = { auth: { ANSWER_FLOOR_MS: "0", AUDIT_DATASET: "AUDIT" } };
  const stack = await startStack({ vars, datasets: { auth: ["AUDIT"] } });
  t.after(() => stack.stop());
  await signUp(stack);
  await stack.logs.find(({ msg, event, result }) => msg === "audit" && event === "sign_in" && result === "signed_in");
  assert.deepEqual(
    stack.logs.records.filter(({ level }) => level === "error"),
    [],
  );
});

it("a dataset that is not bound costs nobody the answer, and is told of", async (t) => {
  const vars = { auth: { ANSWER_FLOOR_MS: "0", AUDIT_DATASET: "NOWHERE" } };
  const stack = await startStack({ vars });
  t.after(() => stack.stop());
  await signUp(stack);
  await stack.logs.find(({ msg }) => msg === "audit_not_kept");
});

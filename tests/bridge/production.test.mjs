// The protocol's tests once more, against the bridge for production.

process.env.AUTHFLOW_BRIDGE_UNDER_TEST = "production";

await import("./client.test.mjs");
await import("./protocol.test.mjs");
await import("./transaction.test.mjs");

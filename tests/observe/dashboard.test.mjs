// What deploy/ gives to Prometheus and Grafana, held against a real Prometheus that scrapes pages like the workers'.

import assert from "node:assert/strict";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { makeFolder } from "../support/folders.mjs";
import { checkConfig, checkMetrics, checkRules, startPrometheus, testRules } from "../support/prometheus.mjs";

const DEPLOY = fileURLToPath(new URL("../../deploy/", import.meta.url));
const ALERTS = join(DEPLOY, "prometheus/alerts.yaml");
const TOKEN = "local";

/** What the workers expose. */
const FAMILIES = {
  authflow_requests_total: "counter",
  authflow_request_duration_seconds: "histogram",
  authflow_decisions_total: "counter",
  authflow_dependency_requests_total: "counter",
  authflow_dependency_duration_seconds: "histogram",
  authflow_breaker_state: "gauge",
  authflow_breaker_transitions_total: "counter",
  authflow_sessions_active: "gauge",
  authflow_signins_total: "counter",
  authflow_metrics_store_up: "gauge",
  authflow_spans_dropped_total: "counter",
  authflow_build_info: "gauge",
};
const BUCKETS = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "+Inf"];

/** By how much each series grows with each scrape, a histogram in quick and slow ones; gauges stay as they are. */
const GAUGES = (service) => [
  ["authflow_build_info", { service, version: "0.2.0" }, 1],
  ["authflow_metrics_store_up", {}, 1],
  ["authflow_sessions_active", {}, 42],
];
const request = (service, route, status, growth) => [
  "authflow_requests_total",
  { service, route, method: "GET", status },
  growth,
];
const duration = (service, route, ...growth) => ["authflow_request_duration_seconds", { service, route }, growth];
const decision = (outcome, reason, growth) => ["authflow_decisions_total", { outcome, reason }, growth];
const calls = (dependency, result, growth) => ["authflow_dependency_requests_total", { dependency, result }, growth];
const answers = (dependency, ...growth) => ["authflow_dependency_duration_seconds", { dependency }, growth];
const breaker = (dependency, state) => ["authflow_breaker_state", { dependency }, state];
const transitions = (dependency, to, growth) => ["authflow_breaker_transitions_total", { dependency, to }, growth];
const signIns = (result, growth) => ["authflow_signins_total", { result }, growth];

const ORIGIN = "http://localhost:9000";
/** All is well, and what never happened has no series yet. */
const CALM = {
  "/metrics": [
    ...GAUGES("verify"),
    request("verify", "app", "200", 100),
    duration("verify", "app", 100, 0),
    decision("forward", "session", 100),
    calls("redis", "ok", 100),
    answers("redis", 100, 0),
    breaker("redis", 0),
  ],
  "/api/v1/simple_auth/metrics": [
    ...GAUGES("auth"),
    request("auth", "signin", "200", 10),
    duration("auth", "signin", 10, 0),
    signIns("signed_in", 10),
    calls("supabase", "ok", 10),
    answers("supabase", 10, 0),
    breaker("supabase", 0),
  ],
};
/** Nearly all that can go wrong does. */
const TROUBLED = {
  "/metrics": [
    ...CALM["/metrics"],
    request("verify", "app", "502", 20),
    request("verify", "public", "302", 20),
    duration("verify", "public", 100, 20),
    decision("forward", "public", 10),
    decision("refuse", "device_mismatch", 20),
    decision("unavailable", "store_unavailable", 5),
    decision("error", "config_invalid", 1),
    calls("redis", "timeout", 30),
    calls(ORIGIN, "connection", 20),
    answers(ORIGIN, 10, 10),
    breaker(ORIGIN, 2),
    transitions(ORIGIN, "open", 1),
    transitions(ORIGIN, "half_open", 1),
    ["authflow_spans_dropped_total", {}, 7],
  ],
  "/api/v1/simple_auth/metrics": [
    ...CALM["/api/v1/simple_auth/metrics"],
    signIns("invalid_credentials", 200),
    signIns("identity_unavailable", 5),
    signIns("mfa_required", 5),
    ["authflow_spans_dropped_total", {}, 7],
  ],
};
/** Its Redis is away: the counters are left out, and the breaker is this isolate's own. */
const BLIND = {
  "/metrics": [
    ["authflow_build_info", { service: "verify", version: "0.2.0" }, 1],
    ["authflow_metrics_store_up", {}, 0],
    breaker("redis", 2),
  ],
};

/** A page after so many scrapes, as Prometheus' text format. */
function pageOf(series, scrapes) {
  const families = Map.groupBy(series, ([name]) => name);
  const labelled = (name, labels) => {
    const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    return pairs.length > 0 ? `${name}{${pairs.join(",")}}` : name;
  };
  const samples = ([name, labels, growth]) => {
    if (FAMILIES[name] === "gauge") return [`${labelled(name, labels)} ${growth}`];
    if (FAMILIES[name] === "counter") return [`${labelled(name, labels)} ${growth * scrapes}`];
    const [quick, slow] = growth.map((each) => each * scrapes);
    const below = (le) => (Number(le) < 0.025 ? 0 : Number(le) < 5 ? quick : quick + slow);
    const buckets = BUCKETS.map(
      (le) => `${labelled(`${name}_bucket`, { ...labels, le })} ${below(le.replace("+Inf", "Infinity"))}`,
    );
    const sum = `${labelled(`${name}_sum`, labels)} ${quick * 0.02 + slow * 4}`;
    return [...buckets, sum, `${labelled(`${name}_count`, labels)} ${quick + slow}`];
  };
  const lines = [...families].flatMap(([name, all]) => [
    `# HELP ${name} What it is.`,
    `# TYPE ${name} ${FAMILIES[name]}`,
    ...all.flatMap(samples),
  ]);
  return `${lines.join("\n")}\n`;
}

/** Serves `pages` by their paths to whoever has the token. */
async function serve(pages) {
  const scrapes = {};
  const server = createServer((incoming, response) => {
    const series = pages[incoming.url];
    if (incoming.headers.authorization !== `Bearer ${TOKEN}`) return response.writeHead(401).end();
    if (!series) return response.writeHead(404).end();
    scrapes[incoming.url] = (scrapes[incoming.url] ?? 0) + 1;
    response.setHeader("content-type", "text/plain; version=0.0.4; charset=utf-8");
    response.end(pageOf(series, scrapes[incoming.url]));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${server.address().port}`;
  return { host, stop: () => new Promise((resolve) => server.close(resolve).closeAllConnections()) };
}

const dashboard = JSON.parse(await readFile(join(DEPLOY, "grafana/dashboards/authflow.json"), "utf8"));
const panels = dashboard.panels.filter(({ type }) => type !== "row");
const queries = panels.flatMap(({ title, targets }) =>
  targets.map(({ expr, legendFormat: legend }) => ({ title, expr, legend })),
);
const annotations = dashboard.annotations.list.filter(({ expr }) => expr);
const variables = dashboard.templating.list.filter(({ type }) => type === "query");

/** As Grafana asks it, of the deployment at `host` or all. */
function asked(expr, host = ".*") {
  const values = { __rate_interval: "10s", instance: host, service: ".*", route: ".*" };
  return expr.replace(/\$(\w+)/g, (whole, name) => values[name] ?? assert.fail(`nobody knows ${whole}`));
}

/** `label_values(series, label)` is Grafana's own. */
const valuesOf = ({ query }) => /^label_values\((.*), (\w+)\)$/.exec(query.query).slice(1);

/** The names of metrics in an expression: what has a selector or a range, and whatever is named as ours. */
function metricsIn(expr) {
  const unquoted = expr.replace(/"[^"]*"/g, '""');
  const names = unquoted.match(/\b[a-zA-Z_:][\w:]*(?=\s*[{[])|\bauthflow_\w+/g);
  return new Set(names.map((name) => name.replace(/(_seconds)_(bucket|sum|count)$/, "$1")));
}

const folder = await makeFolder("authflow-observe-");
const hosts = {};
let servers;
let prometheus;
let rules;
before(async () => {
  servers = await Promise.all([CALM, TROUBLED, BLIND].map(serve));
  [hosts.calm, hosts.troubled, hosts.blind] = servers.map(({ host }) => host);
  const both = (host) => [
    { job: "authflow-verify", url: `http://${host}/metrics`, token: TOKEN },
    { job: "authflow-auth", url: `http://${host}/api/v1/simple_auth/metrics`, token: TOKEN },
  ];
  const targets = [...both(hosts.calm), ...both(hosts.troubled), both(hosts.blind)[0]];
  const refused = { ...both(hosts.blind)[0], job: "authflow-stranger", token: "another" };

  // How long a thing must hold is promtool's part.
  const atOnce = join(folder, "at-once.yaml");
  await writeFile(atOnce, (await readFile(ALERTS, "utf8")).replace(/^ +for: .*\n/gm, ""));
  prometheus = await startPrometheus({ targets: [...targets, refused], rules: [atOnce], scrapeMs: 500 });
  await prometheus.queryUntil("count(count_over_time(authflow_build_info[1m]) > 3)", ([one]) => one?.value === targets.length, {
    timeoutMs: 30_000,
  });
  rules = await prometheus.rules();
});
after(async () => {
  await prometheus?.stop();
  await Promise.all(servers?.map(({ stop }) => stop()) ?? []);
  await rm(folder, { recursive: true });
});

describe("the fixture", () => {
  it("is as a worker's page must be, and knows every family", async () => {
    const pages = [CALM, TROUBLED, BLIND].flatMap((each) => Object.values(each));
    for (const series of pages) await checkMetrics(pageOf(series, 3));
    assert.deepEqual([...new Set(pages.flat().map(([name]) => name))].sort(), Object.keys(FAMILIES).sort());
    await assert.rejects(checkMetrics("authflow_requests 1\nauthflow_requests 1\n"), /promtool check metrics/);
  });

  it("is scraped with its token alone", async () => {
    const targets = await prometheus.targets();
    assert.equal(targets.length, 6);
    for (const { job, health, error } of targets) {
      const expected = job === "authflow-stranger" ? ["down", "server returned HTTP status 401 Unauthorized"] : ["up", ""];
      assert.deepEqual([health, error], expected, job);
    }
  });
});

describe("the dashboard", () => {
  it("has a result for every query, with the labels that its legend names", async () => {
    for (const { title, expr, legend } of queries) {
      const result = await prometheus.query(asked(expr));
      assert.ok(
        result.some(({ value }) => Number.isFinite(value)),
        `${title}: nothing for ${expr}`,
      );
      const named = [...legend.matchAll(/{{(\w+)}}/g)].map(([, label]) => label);
      for (const { labels } of result) {
        assert.deepEqual(Object.keys(labels).sort(), named.toSorted(), `${title}: the legend of ${expr}`);
      }
    }
  });

  it("has a result for every annotation and every variable", async () => {
    for (const { name, expr, titleFormat } of annotations) {
      const [first] = await prometheus.query(asked(expr));
      for (const [, label] of titleFormat.matchAll(/{{(\w+)}}/g)) assert.ok(first?.labels[label], name);
    }
    for (const variable of variables) {
      const [series, label] = valuesOf(variable);
      const values = await prometheus.query(`group by (${label}) (${asked(series)})`);
      assert.ok(values.length > 0 && values.every(({ labels }) => labels[label]), variable.name);
    }
  });

  it("shows 0 and not nothing where what it counts never happened", async () => {
    const robust = queries.filter(({ expr }) => / or (vector\(0\)|0 \*)|> bool 0/.test(expr) && !expr.includes('"signed_in"'));
    assert.ok(robust.length >= 5);
    // Nobody's device was ever another there, and every call, sign-in and breaker is well.
    for (const { title, expr } of robust) {
      const result = await prometheus.query(asked(expr, hosts.calm));
      assert.ok(result.length > 0, `${title}: nothing for ${expr}`);
      assert.ok(
        result.every(({ value }) => value === 0),
        `${title}: ${JSON.stringify(result)}`,
      );
    }
  });

  it("shows nothing rather than a wrong number while Redis is away, but that it is and the breakers", async () => {
    const shown = [];
    for (const { title, expr } of queries) {
      const result = await prometheus.query(asked(expr, hosts.blind));
      if (result.length > 0) shown.push(title);
    }
    assert.deepEqual(shown, ["Breakers not closed", "Counters", "Versions", "Breakers", "Counters readable"]);
  });

  it("shows one deployment alone where it is asked to", async () => {
    const requests = queries.find(({ title }) => title === "Requests").expr;
    const of = async (host) => (await prometheus.query(asked(requests, host)))[0].value;
    assert.ok((await of(hosts.calm)) < (await of(hosts.troubled)));
  });

  it("asks for every family, for no other metric, and for nothing twice", () => {
    const exprs = [...queries, ...annotations].map(({ expr }) => expr);
    assert.equal(new Set(exprs).size, exprs.length);
    const used = new Set(
      [...exprs, ...variables.map((variable) => valuesOf(variable)[0])].flatMap((expr) => [...metricsIn(expr)]),
    );
    assert.deepEqual([...used].sort(), Object.keys(FAMILIES).sort());
  });

  it("is laid out without gaps or overlaps, and takes whichever Prometheus is chosen", () => {
    assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
    const covered = new Set();
    for (const { title, gridPos } of dashboard.panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          assert.ok(x < 24 && !covered.has(`${x} ${y}`), title);
          covered.add(`${x} ${y}`);
        }
      }
    }
    const height = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
    assert.equal(covered.size, 24 * height);
    const asking = [...panels, ...panels.flatMap(({ targets }) => targets), ...annotations, ...variables];
    for (const { datasource } of asking) assert.deepEqual(datasource, { type: "prometheus", uid: "${datasource}" });
  });

  it("draws the lines at which alerts begin where they do", () => {
    const lines = panels.filter(({ fieldConfig }) => fieldConfig.defaults.custom?.thresholdsStyle?.mode === "dashed");
    assert.ok(lines.length > 0);
    for (const { title, description, fieldConfig } of lines) {
      const [, alert] = /the alert (\w+) begins/.exec(description);
      const { value } = fieldConfig.defaults.thresholds.steps.at(-1);
      assert.ok(rules.find(({ name }) => name === alert).query.includes(`> ${value})`), title);
    }
  });
});

describe("the configuration", () => {
  it("is one that Prometheus takes, with the alerts", async () => {
    await checkRules(ALERTS);
    await cp(join(DEPLOY, "prometheus"), join(folder, "config"), { recursive: true });
    await assert.rejects(checkConfig(join(folder, "config/prometheus.yaml")), /authflow_token/);
    await writeFile(join(folder, "config/authflow_token"), TOKEN);
    await checkConfig(join(folder, "config/prometheus.yaml"));
  });
});

describe("the alerts", () => {
  /** The rules once each of them fires, for nearly all that can go wrong does. */
  const allFiring = async () => {
    const firing = 'count by (alertname) (ALERTS{alertstate="firing"})';
    await prometheus.queryUntil(firing, (alerts) => alerts.length === rules.length);
    return prometheus.rules();
  };

  it("are valid, ask for our metrics alone, and for nothing twice", async () => {
    for (const { name, query, health, lastError } of rules) {
      assert.deepEqual([health, lastError ?? ""], ["ok", ""], name);
      await prometheus.query(query);
      for (const metric of metricsIn(query)) assert.ok(metric in FAMILIES || metric === "up", `${name} asks for ${metric}`);
    }
    assert.equal(new Set(rules.map(({ query }) => query)).size, rules.length);
  });

  it("say what is wrong, of what, and what to do", async () => {
    const firing = await allFiring();
    for (const { name, alerts } of firing) {
      assert.ok(alerts.length > 0, name);
      for (const { labels, annotations: told } of alerts) {
        assert.match(labels.severity, /^(critical|warning|info)$/, name);
        assert.deepEqual(Object.keys(told).sort(), ["description", "summary"], name);
        assert.match(told.description, /docs\/OPERATIONS\.md/, name);
        for (const text of Object.values(told)) assert.doesNotMatch(text, /[{}<>]|%!|NaN|undefined| {2}/, name);
      }
    }
    const breakers = firing.find(({ name }) => name === "BreakerOpen").alerts;
    const open = breakers.find(({ labels }) => labels.dependency === ORIGIN);
    assert.equal(open.annotations.summary, `${ORIGIN} keeps failing, and is left alone`);
    const [errors] = firing.find(({ name }) => name === "ManyServerErrors").alerts;
    assert.match(errors.annotations.summary, /^[\d.]+% of the answers of verify are 5xx$/);
  });

  it("leave alone whoever is well", async () => {
    const told = (await allFiring()).flatMap(({ name, alerts }) =>
      alerts.filter(({ labels }) => labels.instance === hosts.calm).map(() => name),
    );
    assert.deepEqual(told, []);
  });

  /** Half an hour, a sample each 30 s: series that an alert is made of, and in which minutes it must fire and must not. */
  const HALF_HOUR = "x60";
  const up = (job) => `up{job="${job}",instance="h"}`;
  const WELL = { [up("authflow-verify")]: `1${HALF_HOUR}`, [up("authflow-auth")]: `1${HALF_HOUR}` };
  const grows = (by) => `0+${by}${HALF_HOUR}`;
  const requests = (status) =>
    `authflow_requests_total{instance="h",service="verify",route="app",method="GET",status="${status}"}`;
  const below = (le) => `authflow_request_duration_seconds_bucket{instance="h",service="verify",route="app",le="${le}"}`;
  const redis = (result) => `authflow_dependency_requests_total{instance="h",dependency="redis",result="${result}"}`;
  const attempts = (result) => `authflow_signins_total{instance="h",result="${result}"}`;
  const decided = (reason) => `authflow_decisions_total{instance="h",outcome="x",reason="${reason}"}`;
  const slowly = (all, quick) => ({
    [below("0.5")]: grows(quick),
    [below("2.5")]: grows(all),
    [below("+Inf")]: grows(all),
    'authflow_request_duration_seconds_count{instance="h",service="verify",route="app"}': grows(all),
  });
  const state = 'authflow_breaker_state{instance="h",dependency="supabase"}';
  const stored = 'authflow_metrics_store_up{instance="h",job="authflow-verify"}';
  const dropped = 'authflow_spans_dropped_total{instance="h",job="authflow-verify"}';

  const CASES = {
    AuthFlowDown: [
      ["a worker does not answer", { ...WELL, [up("authflow-auth")]: "1x10 0x50" }, { 6: false, 8: true }],
      ["a worker is not scraped", { [up("authflow-verify")]: `1${HALF_HOUR}` }, { 3: true }],
      ["a scrape fails once", { ...WELL, [up("authflow-auth")]: "1x10 0x2 1x48" }, { 8: false, 20: false }],
    ],
    MetricsStoreDown: [
      ["Redis cannot be read", { [stored]: "1x10 0x50" }, { 6: false, 8: true }],
      ["Redis could not be read once", { [stored]: "1x10 0 1x49" }, { 6: false, 20: false }],
    ],
    RedisUnavailable: [
      ["one call in five fails", { [redis("ok")]: grows(80), [redis("timeout")]: grows(20) }, { 1: false, 10: true }],
      ["one call in fifty fails", { [redis("ok")]: grows(980), [redis("timeout")]: grows(20) }, { 10: false, 20: false }],
      ["a few of a few fail", { [redis("ok")]: "0+1x60", [redis("timeout")]: "0x20 0+1x5 5x35" }, { 17: false, 20: false }],
    ],
    BreakerOpen: [
      ["it opens again and again", { [state]: "0x9 2x2 1 2x1 1 2x1 1 2x1 1 2x40" }, { 8: false, 11: true, 20: true }],
      ["it opens once", { [state]: "0x9 2x2 1 0x48" }, { 6: false, 8: false, 11: false, 20: false }],
    ],
    ManyServerErrors: [
      ["one answer in twenty is 5xx", { [requests("200")]: grows(95), [requests("503")]: grows(5) }, { 2: false, 15: true }],
      ["one answer in a hundred is 5xx", { [requests("200")]: grows(990), [requests("503")]: grows(10) }, { 15: false }],
      ["a few of a few are", { [requests("200")]: "0+1x60", [requests("503")]: "0x20 0+1x5 5x35" }, { 17: false, 20: false }],
    ],
    SlowRequests: [
      ["one in ten takes seconds", slowly(100, 90), { 5: false, 20: true }],
      ["one in a hundred takes seconds", slowly(100, 99), { 20: false }],
      ["one of a few takes seconds", slowly(1, 0), { 20: false }],
    ],
    SignInsUnavailable: [
      ["Supabase is away", { [attempts("identity_unavailable")]: grows(2) }, { 1: false, 5: true }],
      ["passwords are wrong", { [attempts("invalid_credentials")]: grows(2) }, { 5: false, 20: false }],
    ],
    ManyFailedSignIns: [
      [
        "nearly all fail",
        { [attempts("invalid_credentials")]: grows(20), [attempts("signed_in")]: grows(1) },
        { 1: false, 15: true },
      ],
      ["all fail, and nobody ever signed in", { [attempts("invalid_credentials")]: grows(20) }, { 15: true }],
      [
        "half of them fail",
        { [attempts("invalid_credentials")]: grows(20), [attempts("signed_in")]: grows(20) },
        { 20: false },
      ],
      ["all of a few fail", { [attempts("invalid_credentials")]: "0x10 0+1x10 10x40" }, { 10: false, 20: false }],
    ],
    ManyDeviceMismatches: [
      [
        "one session in ten is elsewhere",
        { [decided("session")]: grows(90), [decided("device_mismatch")]: grows(10) },
        { 20: true },
      ],
      ["one in two hundred is", { [decided("session")]: grows(995), [decided("device_mismatch")]: grows(5) }, { 20: false }],
      [
        "a few of a few are",
        { [decided("session")]: "0+1x60", [decided("device_mismatch")]: "0x9 0+1x5 5x46" },
        { 12: false, 20: false },
      ],
    ],
    SpansDropped: [
      ["they keep being dropped", { [dropped]: grows(3) }, { 15: false, 25: true }],
      ["they were once", { [dropped]: "0x4 50x56" }, { 15: false, 25: false }],
    ],
  };

  /** Holds the rules, as they are deployed, against series: `expected` has minutes, and what `expr` is then. */
  const judge = async (scenarios) => {
    const tests = scenarios.map(({ name, series, expected }) => ({
      name,
      interval: "30s",
      input_series: Object.entries(series).map(([key, values]) => ({ series: key, values })),
      promql_expr_test: Object.entries(expected).map(([minute, { expr, value }]) => ({
        expr,
        eval_time: `${minute}m`,
        exp_samples: [{ labels: "{}", value }],
      })),
    }));
    const path = join(folder, "cases.yaml");
    await writeFile(path, JSON.stringify({ rule_files: [ALERTS], evaluation_interval: "30s", tests }));
    await testRules(path);
  };

  for (const [alert, cases] of Object.entries(CASES)) {
    it(`${alert} fires when it should, and not otherwise: ${cases.map(([name]) => name).join("; ")}`, async () => {
      const expr = `sum(ALERTS{alertname="${alert}",alertstate="firing"}) > bool 0 or vector(0)`;
      const at = (moments) =>
        Object.fromEntries(Object.entries(moments).map(([minute, fires]) => [minute, { expr, value: Number(fires) }]));
      await judge(cases.map(([name, series, moments]) => ({ name, series, expected: at(moments) })));
    });
  }

  it("are all among those cases", () => {
    assert.deepEqual(Object.keys(CASES).sort(), rules.map(({ name }) => name).sort());
  });

  it("are silent together where nothing has happened yet", async () => {
    const expr = "count(ALERTS) or vector(0)";
    const expected = Object.fromEntries([1, 10, 29].map((minute) => [minute, { expr, value: 0 }]));
    await judge([{ name: "nothing", series: { ...WELL, [stored]: `1${HALF_HOUR}` }, expected }]);
    await assert.rejects(judge([{ name: "nothing at all", series: {}, expected }]), /promtool test rules/);
  });
});

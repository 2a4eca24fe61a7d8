// What nginx is told of the site it is in (here.conf): who is behind it, and where it listens. All else is in
// deploy/self-host/nginx. An instance is taken out by a file of its name in the folder `out`, and needs no reload for that: a
// reload closes connections.

import { complain } from "./complaint.mjs";

/** The kinds of instances that nginx balances. */
export const KINDS = ["verify", "auth", "bridge"];

/**
 * The text of here.conf. `instances` are addresses by kind; `inner` the addresses of the listeners that workers and operators
 * use, by kind; `outer` is `{ listen, certificate, key, plain? }`; `out` is the folder of who is out; `log` where trouble is
 * logged; `limit` a rate such as `100r/s` for all of an address together, counted here.
 */
export function hereConf({ instances, inner, outer, out, log, limit }) {
  const servers = [
    outerServer(outer, out, instances, limit),
    ...KINDS.map((kind) => innerServer(kind, inner[kind], out, instances)),
  ];
  const parts = [
    "# Made by scripts/self-host nginx. The folder out holds a file for each instance that gets no new requests.",
    `access_log ${path(log)} trouble if=$in_trouble;`,
    ...(limit ? [COUNTED, `limit_req_zone $counted zone=address:10m rate=${limit};`] : []),
    ...KINDS.flatMap((kind) => upstreams(kind, instances[kind])),
    ...(outer.plain ? [plainServer(outer.plain)] : []),
    ...servers,
  ];
  return `${parts.join("\n\n")}\n`;
}

/** As the workers count: an IPv6 address by its /64, which one customer has as a rule; one that is IPv4 in disguise as that. */
const COUNTED = block("map $binary_remote_addr $counted", [
  "default $binary_remote_addr;",
  '"~(?s)^\\x00{10}\\xff\\xff(?<counted_v4>.{4})\\z" $counted_v4;',
  '"~(?s)^(?<counted_v6>.{8}).{8}\\z" $counted_v6;',
]);

/** All instances of a kind, and all but each one. */
function upstreams(kind, addresses) {
  const without = addresses.map((_, at) => upstream(`${kind}-without-${at + 1}`, addresses.toSpliced(at, 1)));
  return [upstream(kind, addresses), ...(addresses.length > 1 ? without : [])];
}

function upstream(name, addresses) {
  const servers = addresses.map((address) => `server ${address} max_fails=1 fail_timeout=2s;`);
  // workerd closes what has been idle for fifteen seconds; nginx must be the first to.
  return block(`upstream ${name}`, [`zone ${name} 64k;`, ...servers, "keepalive 32;", "keepalive_timeout 10s;"]);
}

function outerServer({ listen, certificate, key }, out, instances, limit) {
  return block("server", [
    ...listen.map((address) => `listen ${address} ssl http2;`),
    `ssl_certificate ${path(certificate)};`,
    `ssl_certificate_key ${path(key)};`,
    ...(limit ? ["limit_req zone=address burst=200 nodelay;", "limit_req_status 429;"] : []),
    ...leaving(out),
    ...["verify", "auth"].flatMap((kind) => choice(kind, kind, out, instances)),
    "include outside.conf;",
  ]);
}

function innerServer(kind, address, out, instances) {
  return block("server", [
    `listen ${address};`,
    ...leaving(out),
    ...choice(kind, "target", out, instances),
    "include inside.conf;",
  ]);
}

function plainServer(addresses) {
  return block("server", [...addresses.map((address) => `listen ${address};`), "return 308 https://$host$request_uri;"]);
}

const leaving = (out) => ["set $is_leaving 0;", `if (-e ${path(`${out}/nginx`)}) {\n    set $is_leaving 1;\n  }`];

/** Sets `variable` to those of a kind who are not out; the last that is out counts, because one is at a time. */
function choice(kind, variable, out, instances) {
  const names = instances[kind].length > 1 ? instances[kind].map((_, at) => at + 1) : [];
  const unless = (name) => `if (-e ${path(`${out}/${kind}-${name}`)}) {\n    set $${variable} ${kind}-without-${name};\n  }`;
  return [`set $${variable} ${kind};`, ...names.map(unless)];
}

/** A path as nginx reads it: in quotes where it has to be. */
function path(text) {
  if (/["$\\\p{Cc}]/u.test(text)) complain(`nginx cannot be told of the path ${text}: take one without " $ \\ and line breaks`);
  return /[\s;{}'#()]/.test(text) ? `"${text}"` : text;
}

function block(head, lines) {
  return `${head} {\n${lines.map((line) => `  ${line}`).join("\n")}\n}`;
}

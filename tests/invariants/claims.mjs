// What clients claim of themselves and of where they are, in headers.

/** Every header in which some proxy tells an address. */
export const ADDRESS_HEADERS = [
  "X-Forwarded-For",
  "Forwarded",
  "X-Real-IP",
  "True-Client-IP",
  "X-Client-IP",
  "X-Cluster-Client-IP",
  "CF-Connecting-IPv6",
  "CF_Connecting_IP",
  "CF-Pseudo-IPv4",
  "Fastly-Client-IP",
  "X-Original-Forwarded-For",
];

/** Groups of addresses, each group one subscriber: another spelling, another address of one /64, IPv4 in IPv6. */
export const SUBSCRIBERS = [
  ["2001:db8::1", "2001:DB8::1", "2001:0db8:0:0:0:0:0:1", "2001:db8:0::1"],
  ["2001:db8:abcd:1234:0:0:0:1", "2001:db8:abcd:1234:1111:2222:3333:4444", "2001:db8:abcd:1234:ffff:ffff:ffff:ffff"],
  ["2001:db8:abcd:1111::1"],
  ["2001:db8:abcd:2222::1"],
  ["192.0.2.1", "::ffff:192.0.2.1", "::FFFF:192.0.2.1", "0:0:0:0:0:ffff:192.0.2.1", "::ffff:c000:0201", " 192.0.2.1 "],
  ["192.0.2.2"],
  ["::1"],
  ["fe80::1"],
];

/** What is no address, so that nothing may stand on it. */
export const NO_ADDRESS = [
  "999.999.999.999",
  "192.0.2",
  "10.0.0./8",
  "10.0.0.0/8",
  "localhost",
  "[::1]",
  "1.2.3.4:5",
  "1.2.3.4, 5.6.7.8",
  "unknown",
  "0x7f.1",
  "127.1",
  "017700000001",
  "2001:db8::1%eth0",
  "''",
  "",
];

/** What a `Host` may not be: it would become part of the path, or be read differently. */
export const NO_HOST = [
  "HOST/public/x?",
  "HOST?",
  "HOST#/public/x",
  "user@HOST",
  "e'vil",
  "%65vil.test",
  "HOST, evil.test",
  "evil.test, HOST",
  "HOST evil.test",
  "HOST\\@evil.test",
  "",
];

/** What some service would build an address of its own from. */
export const POISON = {
  "x-forwarded-host": "evil.example",
  "x-forwarded-proto": "https",
  forwarded: "host=evil.example",
  "x-original-host": "evil.example",
  "x-forwarded-for": "203.0.113.9",
  "x-host": "evil.example",
  "x-original-url": "https://evil.example/",
  redirect_to: "https://evil.example/",
};

// The requests of a real browser: Chromium's, behind Cloudflare, on a page of the application.

export const HOST = "app.example.com";

/** What the device's fingerprint is taken from. */
export const DEVICE = {
  "cf-connecting-ip": "203.0.113.7",
  "sec-ch-ua-mobile": "?0",
  "sec-ch-ua-platform": '"Linux"',
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  "accept-language": "en-GB,en;q=0.9,de;q=0.8",
};

/** All but the cookie: fifteen, and `Host`. */
export const HEADERS = {
  host: HOST,
  ...DEVICE,
  accept: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
  "accept-encoding": "gzip, deflate, br, zstd",
  priority: "u=0, i",
  referer: `https://${HOST}/app/`,
  "sec-ch-ua": '"Chromium";v="140", "Not=A?Brand";v="24"',
  "sec-fetch-dest": "document",
  "sec-fetch-mode": "navigate",
  "sec-fetch-site": "same-origin",
  "sec-fetch-user": "?1",
  "upgrade-insecure-requests": "1",
};

/** The `Cookie` header of a browser that holds `cookies` beside the site's own two. */
export function cookieHeader(...cookies) {
  return ["theme=dark", ...cookies, "_ga=GA1.1.1226484353.1782990000"].join("; ");
}

export const PROTECTED = "/app/hello?bench=1";
export const PUBLIC = "/public/hello?bench=1";
/** What the origin says of such a request, and nobody else would. */
export const FROM_ORIGIN = '"query":"bench=1"';

/** What the origin says of a header that reached it. */
export const saw = (name, value) => JSON.stringify([name, value]);

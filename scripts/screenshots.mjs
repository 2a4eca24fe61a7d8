// Takes a picture of each page. Told by `scripts/screenshots`, which sets the tools up before.

import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { launchBrowser, startTourStack, WAYS, walk } from "../tests/support/tour/index.mjs";

const { values } = parseArgs({ options: { all: { type: "boolean", default: false }, out: { type: "string" } } });

const DOCS = fileURLToPath(new URL("../docs/", import.meta.url));
const folder = values.out ?? `${DOCS}screenshots`;
const MOST_BYTES = 2_000_000;
const QUALITY = 0.8;

const SIZES = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 800 } };
const SCHEMES = ["light", "dark"];

/** The states that stand for the others in the docs, and what is to be seen. */
const CHOSEN = {
  signin: "Sign in",
  "signin-wrong": "A wrong password",
  signup: "Sign up",
  "signup-sent": "After it",
  confirm: "The mail's link",
  forgot: "A forgotten password",
  "reset-errors": "A new one, too short",
  "second-factor": "The second factor",
  factors: "Second factors",
  "enroll-app": "Adding an app",
  "step-up": "More than a password is needed",
  account: "One's own account",
  "account-password": "Changing the password",
  "account-delete": "Deleting the account",
  signout: "Sign out",
  "admin-found": "Administration: search",
  "admin-user": "Administration: a user",
  "not-found": "Nothing there",
  "gateway-403": "The gateway: not allowed",
  "gateway-step-up": "The gateway: a second factor is needed",
  "gateway-429": "The gateway: too often",
};

const file = (state, size, scheme) => `${state}-${size}-${scheme}.${values.out ? "png" : "webp"}`;

/** A PNG as WebP, by Chromium's own encoder. */
async function toWebp(studio, png) {
  const url = `data:image/png;base64,${png.toString("base64")}`;
  const encoded = await studio.evaluate(
    async ([url, quality]) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
      canvas.getContext("2d").drawImage(image, 0, 0);
      return canvas.toDataURL("image/webp", quality);
    },
    [url, QUALITY],
  );
  return Buffer.from(encoded.split(",")[1], "base64");
}

async function take(page, studio, state) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme });
      const png = await page.screenshot();
      writeFileSync(`${folder}/${file(state, size, colorScheme)}`, values.out ? png : await toWebp(studio, png));
    }
  }
}

/** Everything, and gives the states that there were. */
async function takeAll() {
  const brand = { BRAND_NAME: "Example" };
  const stack = await startTourStack({ vars: { auth: brand } });
  const browser = await launchBrowser();
  const states = new Set();
  try {
    const studio = await browser.newPage();
    for (const way of Object.values(WAYS)) {
      const look = async (page, state) => {
        states.add(state);
        if (values.all || state in CHOSEN) await take(page, studio, state);
      };
      await walk(way, { stack, browser, options: { reducedMotion: "reduce" }, look });
    }
  } finally {
    await browser.close();
    await stack.stop();
  }
  return states;
}

function list() {
  const views = Object.keys(SIZES).flatMap((size) => SCHEMES.map((scheme) => [size, scheme]));
  const names = { phone: "Phone", desk: "Desk" };
  const rows = Object.entries(CHOSEN).map(([state, title]) => {
    const pictures = views.map(([size, scheme]) => {
      const width = size === "phone" ? 120 : 300;
      const alt = `${title}, ${size}, ${scheme}`;
      return `<img src="screenshots/${file(state, size, scheme)}" width="${width}" alt="${alt}">`;
    });
    return `| ${title} | ${pictures.join(" | ")} |`;
  });
  return [
    "# The pages",
    "",
    "Every page works without JavaScript, loads nothing but itself, and is under 20 KB with its style. `scripts/screenshots`",
    "takes these pictures.",
    "",
    `| | ${views.map(([size, scheme]) => `${names[size]}, ${scheme}`).join(" | ")} |`,
    `|---|${"---|".repeat(views.length)}`,
    ...rows,
    "",
  ].join("\n");
}

mkdirSync(folder, { recursive: true });
// What was taken of a page that is no more.
if (!values.out) for (const name of readdirSync(folder)) rmSync(`${folder}/${name}`);
const states = await takeAll();
const lost = Object.keys(CHOSEN).filter((state) => !states.has(state));
if (lost.length > 0) throw new Error(`the tour no longer comes by ${lost.join(", ")}`);
if (!values.out) writeFileSync(`${DOCS}SCREENSHOTS.md`, list());
const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(`${folder}/${name}`).size, 0);
console.log(`${relative(process.cwd(), folder)}: ${readdirSync(folder).length} pictures, ${Math.ceil(bytes / 1000)} KB`);
if (!values.out && bytes > MOST_BYTES) throw new Error("that is more than 2 MB: choose fewer, or a lower quality");

// A real Chromium, the system's own.

import { chromium } from "playwright-core";

import { findCommand } from "../../scripts/common/command.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC_APPS = ["Chromium", "Google Chrome"].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);

/** Starts Chromium without a window; `CHROMIUM` names another binary. Close it with `close()`. */
export function launchBrowser(options = {}) {
  const executablePath = process.env.CHROMIUM ?? [...NAMES, ...MAC_APPS].map(findCommand).find(Boolean);
  if (!executablePath) throw new Error("Chromium is missing: run scripts/setup --browser");
  return chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0, ...options });
}

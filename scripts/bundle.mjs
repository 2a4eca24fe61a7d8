// Bundles a driver and its wasm-bindgen glue into one module that imports `./index_bg.wasm`.
// Usage: bundle.mjs DRIVER PKG OUT. The driver imports its glue and wasm from `./pkg/`; PKG is where they are.

import { resolve } from "node:path";

import { build } from "esbuild";

const [driver, pkg, out] = process.argv.slice(2).map((path) => resolve(path));

const fromPkg = {
  name: "from-pkg",
  setup(build) {
    // The runtime gives a module for this import, compiled beforehand.
    build.onResolve({ filter: /\.wasm$/ }, () => ({ path: "./index_bg.wasm", external: true }));
    build.onResolve({ filter: /^\.\/pkg\// }, ({ path }) => ({ path: resolve(pkg, path.slice("./pkg/".length)) }));
  },
};

await build({
  entryPoints: [driver],
  outfile: out,
  bundle: true,
  format: "esm",
  target: "es2024",
  // Names stay, for readable stack traces.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  logLevel: "warning",
  plugins: [fromPkg],
});

import type { NextConfig } from "next";

const config: NextConfig = {
  poweredByHeader: false,
  // Other folders above this one have lockfiles, too.
  turbopack: { root: import.meta.dirname },
};

export default config;

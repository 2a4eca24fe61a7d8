// A server without its settings ends at once, and does not stay to answer everything with 500.

import { ready } from "@/lib/authflow";

try {
  ready();
} catch (error) {
  console.error(error);
  process.exit(1);
}

/**
 * Writes docs/*.1, the manual pages. `deno task manual`
 */

import { manualPage } from "../src/cli/manual_page.ts";

for (const topic of ["wayferry proxy", "wayland-proxy-virtwl"] as const) {
  const file = new URL(`../docs/${topic.split(" ")[0]}.1`, import.meta.url);
  Deno.writeTextFileSync(file, manualPage(topic));
}

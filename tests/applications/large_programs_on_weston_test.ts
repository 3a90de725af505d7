/** Browsers, viewers and players on weston: through the proxy, each looks and behaves as it does without. */
import { startWeston } from "../support/weston.ts";
import { compareRoutes } from "./comparison.ts";
import { LARGE_PROGRAMS } from "./large_programs.ts";

for (const program of LARGE_PROGRAMS) {
  Deno.test(`on weston, ${program.name} looks and behaves through the proxy as it does directly`, async () => {
    await compareRoutes(startWeston, program);
  });
}

/** Browsers, viewers and players on sway: through the proxy, each looks and behaves as it does without. */
import { startSway } from "../support/sway.ts";
import { compareRoutes } from "./comparison.ts";
import { LARGE_PROGRAMS } from "./large_programs.ts";

for (const program of LARGE_PROGRAMS) {
  Deno.test(`on sway, ${program.name} looks and behaves through the proxy as it does directly`, async () => {
    await compareRoutes(startSway, program);
  });
}

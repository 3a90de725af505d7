/** Programs on weston: through the proxy, each looks and behaves as it does without. */
import { startWeston } from "../support/weston.ts";
import { compareRoutes } from "./comparison.ts";
import { PROGRAMS } from "./programs.ts";

for (const program of PROGRAMS) {
  Deno.test(`on weston, ${program.name} looks and behaves through the proxy as it does directly`, async () => {
    await compareRoutes(startWeston, program);
  });
}

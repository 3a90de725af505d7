/**
 * Browsers, viewers and players on weston: through the proxy, each looks and
 * behaves as it does without.
 */
import { startWeston } from "../support/weston.ts";
import { testPrograms } from "./comparison.ts";
import { LARGE_PROGRAMS } from "./large_programs.ts";

testPrograms("weston", startWeston, LARGE_PROGRAMS);

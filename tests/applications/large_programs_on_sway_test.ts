/**
 * Browsers, viewers and players on sway: through the proxy, each looks and
 * behaves as it does without.
 */
import { startSway } from "../support/sway.ts";
import { testPrograms } from "./comparison.ts";
import { LARGE_PROGRAMS } from "./large_programs.ts";

testPrograms("sway", startSway, LARGE_PROGRAMS);

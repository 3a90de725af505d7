/**
 * A terminal and a program of each toolkit on sway: through the proxy, each
 * looks and behaves as it does without.
 */
import { startSway } from "../support/sway.ts";
import { testPrograms } from "./comparison.ts";
import { PROGRAMS } from "./programs.ts";

testPrograms("sway", startSway, PROGRAMS);

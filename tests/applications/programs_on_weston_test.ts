/**
 * A terminal and a program of each toolkit on weston: through the proxy, each
 * looks and behaves as it does without.
 */
import { startWeston } from "../support/weston.ts";
import { testPrograms } from "./comparison.ts";
import { PROGRAMS } from "./programs.ts";

testPrograms("weston", startWeston, PROGRAMS);

/**
 * weston's own clients on sway: through the proxy, each looks and behaves as it
 * does without.
 */
import { startSway } from "../support/sway.ts";
import { testPrograms } from "./comparison.ts";
import { WESTON_CLIENTS } from "./weston_clients.ts";

testPrograms("sway", startSway, WESTON_CLIENTS);

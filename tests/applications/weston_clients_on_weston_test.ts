/**
 * weston's own clients on weston: through the proxy, each looks and behaves as
 * it does without.
 */
import { startWeston } from "../support/weston.ts";
import { testPrograms } from "./comparison.ts";
import { WESTON_CLIENTS } from "./weston_clients.ts";

testPrograms("weston", startWeston, WESTON_CLIENTS);

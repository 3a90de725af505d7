/**
 * Compositors as clients: their own clients' windows reach the host through the
 * proxy.
 */
import { isPresent } from "../support/files.ts";
import { startSway } from "../support/sway.ts";
import { startWeston } from "../support/weston.ts";
import { compareRoutes, testPrograms } from "./comparison.ts";
import { isDebian12 } from "../support/packages.ts";
import { SWAY, WAYFIRE, WESTON } from "./compositors.ts";

testPrograms("sway", startSway, [SWAY, WESTON]);
testPrograms("weston", startWeston, [SWAY, WESTON]);

Deno.test({
  name:
    `on sway, ${WAYFIRE.name} looks and behaves through the proxy as it does directly`,
  // Debian 12's version, 0.7, then ends at once, also when run directly:
  // "Failed to get DRM file descriptor".
  ignore: isDebian12() && !hasRenderNode(),
  fn: async () => {
    await compareRoutes(startSway, WAYFIRE);
  },
});

function hasRenderNode(): boolean {
  return isPresent("/dev/dri") &&
    [...Deno.readDirSync("/dev/dri")].some(({ name }) =>
      name.startsWith("renderD")
    );
}

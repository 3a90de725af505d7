/**
 * The version, from the project's settings.
 */

import settings from "../../deno.json" with { type: "json" };

/** "1.2.3". */
export const version: string = settings.version;

/**
 * Environment variables, as far as they are read and changed here. `Deno.env`
 * is one, and so is a Map.
 */

/** Named values; changes are seen by everybody who has the same environment. */
export interface Environment {
  get(name: string): string | undefined;
  set(name: string, value: string): unknown;
}

/** Folders that exist as long as a test. */

/** A folder that is removed with all that is in it. */
export interface Scratch extends Disposable {
  readonly path: string;
}

/**
 * Makes an empty folder that only `owner` (a user id; ours when left out) may
 * enter.
 */
export function makeScratch(
  purpose: string,
  owner?: { readonly uid: number; readonly gid: number },
): Scratch {
  const path = Deno.makeTempDirSync({ prefix: `wayferry-${purpose}-` });
  if (owner !== undefined) Deno.chownSync(path, owner.uid, owner.gid);
  return {
    path,
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}

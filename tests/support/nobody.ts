/** The unprivileged user for programs that refuse to run as root. */

/**
 * Who programs run as that refuse root: `nobody`, or `undefined` when we are
 * not root ourselves.
 */
export function unprivilegedUser(): {
  readonly uid: number;
  readonly gid: number;
} | undefined {
  if (Deno.uid() !== 0) return undefined;
  const entry = Deno.readTextFileSync("/etc/passwd").split("\n").find((line) =>
    line.startsWith("nobody:")
  );
  const [, , uid, gid] = entry?.split(":") ?? [];
  if (uid === undefined || gid === undefined) {
    throw new Error(
      "Cannot start a program that refuses root: there is no user nobody to run it as",
    );
  }
  return { uid: Number(uid), gid: Number(gid) };
}

/** The command that runs `argv` as that user. */
export function asUnprivilegedUser(argv: readonly string[]): readonly string[] {
  const user = unprivilegedUser();
  if (user === undefined) return argv;
  return [
    "setpriv",
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    "--clear-groups",
    "--",
    ...argv,
  ];
}

/** Gives a folder and all that is in it to that user. */
export function giveToUnprivilegedUser(path: string): void {
  const user = unprivilegedUser();
  if (user === undefined) return;
  Deno.chownSync(path, user.uid, user.gid);
  if (!Deno.lstatSync(path).isDirectory) return;
  for (const entry of Deno.readDirSync(path)) {
    giveToUnprivilegedUser(`${path}/${entry.name}`);
  }
}

/** Lets everybody connect to a socket, root without its privileges included. */
export function openToEverybody(socket: string): void {
  Deno.chmodSync(socket.replace(/\/[^/]*$/, ""), 0o711);
  Deno.chmodSync(socket, 0o777);
}

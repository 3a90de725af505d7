/** Why a node cannot be opened, and what to do about it, in words. */
import type { SyscallError } from "../../../ffi/error.ts";

/**
 * Who may open a node that this user may not. "hidden": the node cannot even be
 * looked at.
 */
export type Openers =
  | { readonly kind: "group"; readonly name: string }
  | { readonly kind: "root" }
  | { readonly kind: "hidden" };

/** Reading and writing, for the group (<sys/stat.h>). */
const S_IRWGRP = 0o060;

/** Looks at a node's permissions. */
export function openersOf(path: string): Openers {
  try {
    const { gid, mode } = Deno.statSync(path);
    // root's group is no answer: nobody should be added to that
    return gid === null || gid === 0 || ((mode ?? 0) & S_IRWGRP) !== S_IRWGRP
      ? { kind: "root" }
      : { kind: "group", name: groupName(gid) };
  } catch {
    return { kind: "hidden" };
  }
}

/**
 * The name of a group; its number where another source than this file knows it.
 */
function groupName(gid: number): string {
  try {
    const line = Deno.readTextFileSync("/etc/group").split("\n").find((line) =>
      line.split(":")[2] === String(gid)
    );
    const name = line?.split(":")[0];
    if (name !== undefined) return name;
  } catch {
    // the number will do
  }
  return `number ${gid} (not in /etc/group)`;
}

/** What is said of a node that cannot be opened. */
export function unopenedText(
  path: string,
  { code, message }: SyscallError,
  openers: Openers,
): string {
  switch (code) {
    case "EACCES":
      return forbidden(path, openers);
    case "EPERM":
      return `this container or service may not use ${path}; give it the device (Docker and Podman: --device=${path}; systemd: DeviceAllow=${path})`;
    case "ENXIO":
    case "ENODEV":
      return `there is no device behind ${path}; remove it, and let udev or devtmpfs create the device nodes`;
    case "ENOTTY":
      return `${path} is not the device node of a GPU; remove it, and let udev or devtmpfs create the device nodes`;
    default:
      return `${path}: ${message}`;
  }
}

function forbidden(path: string, openers: Openers): string {
  switch (openers.kind) {
    case "group":
      return `this user may not open ${path}; add the user to the group ${openers.name}, and log in again`;
    case "root":
      return `neither this user nor any group may open ${path}; let udev give it to a group (GROUP="render", MODE="0660"), and add the user to that group`;
    case "hidden": {
      const directory = path.slice(0, path.lastIndexOf("/"));
      return `this user may not open ${path}, because the directory ${directory} is closed to this user; open it for everybody (chmod 0755 ${directory})`;
    }
  }
}

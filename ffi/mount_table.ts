/**
 * The file system of a descriptor, found without asking that file system:
 * proc_pid_fdinfo(5), proc_pid_mountinfo(5).
 *
 * fstatfs(2) reports it as well, but where the file system is a process or a
 * server, the answer comes from there, or never.
 */

/** What is known of the mount that a file was opened through. */
export interface Mount {
  /** As in /proc/self/mountinfo, such as "ext4" or "fuse.sshfs". */
  readonly type: string;
  /** Those of the file system itself, separated by commas. */
  readonly options: string;
}

/**
 * The mount of an open file; null when it is not on a mount of this name space:
 * a pipe, a socket or the like, or a mount of another one.
 */
export function mountOf(fd: number): Mount | null {
  const id = mountId(fd);
  return id === null ? null : findMount(0, id);
}

/**
 * A mount of the file system with that device number; the same file system has
 * it in every name space.
 */
export function mountOfDevice(major: number, minor: number): Mount | null {
  return findMount(2, `${major}:${minor}`);
}

function mountId(fd: number): string | null {
  const text = readProc(`/proc/self/fdinfo/${fd}`);
  return /^mnt_id:\s*(\d+)$/m.exec(text)?.[1] ?? null;
}

/** Fields: id, parent, major:minor, root, where, options, …, "-", type, … */
function findMount(field: number, value: string): Mount | null {
  for (const line of readProc("/proc/self/mountinfo").split("\n")) {
    if (line.split(" ")[field] === value) return parseMount(line);
  }
  return null;
}

/** A line of mountinfo; there are no spaces in fields. */
export function parseMount(line: string): Mount {
  const [, right = ""] = line.split(" - ");
  const [type = "", _source, options = ""] = right.split(" ");
  return { type, options };
}

/** Empty where /proc is missing, or has no such file. */
function readProc(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

// Memory and fds of a process and of all its descendants, from /proc.

/** In bytes, summed over the processes. */
export interface Memory {
  /** Resident, pages shared with other processes included. */
  readonly resident: number;
  /** Resident, each shared page divided by the number of its users. */
  readonly proportional: number;
  /** Resident and backed by no file: what the process itself has allocated. */
  readonly anonymous: number;
}

/**
 * The processes that still exist of the given ones and of their descendants.
 */
function processTree(pids: readonly number[]): readonly number[] {
  const found: number[] = [];
  for (const pid of pids) {
    const children = tolerateEnd(
      [],
      () =>
        [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap((task) =>
          Deno.readTextFileSync(`/proc/${pid}/task/${task.name}/children`)
            .trim().split(" ")
            .filter((word) => word !== "").map(Number)
        ),
    );
    found.push(pid, ...processTree(children));
  }
  return found;
}

export function memoryOf(pids: readonly number[]): Memory {
  let [resident, proportional, anonymous] = [0, 0, 0];
  for (const pid of processTree(pids)) {
    const text = tolerateEnd(
      "",
      () => Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`),
    );
    const field = (name: string): number =>
      Number(new RegExp(`^${name}:\\s*(\\d+) kB`, "m").exec(text)?.[1] ?? 0) *
      1024;
    resident += field("Rss");
    proportional += field("Pss");
    anonymous += field("Anonymous");
  }
  return { resident, proportional, anonymous };
}

export function fdCount(pids: readonly number[]): number {
  return processTree(pids).reduce(
    (sum, pid) =>
      sum +
      tolerateEnd(0, () => [...Deno.readDirSync(`/proc/${pid}/fd`)].length),
    0,
  );
}

/** Processes may end while we look. */
function tolerateEnd<T>(otherwise: T, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound ||
      error instanceof Error && /ESRCH|os error 3\b/.test(error.message)
    ) {
      return otherwise;
    }
    throw error;
  }
}

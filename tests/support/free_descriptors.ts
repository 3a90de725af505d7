/** What becomes of the rest where a process has run out of file descriptors. */
import { SyscallError } from "../../ffi/error.ts";
import { duplicateFd } from "../../ffi/fd.ts";
import { readFdLimit, setFdLimit } from "../../ffi/process.ts";

/**
 * Calls `body` while this process can open so many descriptors, and no more.
 */
export function withFreeDescriptors<Result>(
  free: number,
  body: () => Result,
): Result {
  const limit = readFdLimit();
  using taken = new DisposableStack();
  const highest = Math.max(
    ...[...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name)),
  );
  // the limit is one of numbers: the free ones below those in use are taken,
  // and above them some are left
  setFdLimit({ soft: BigInt(highest + 1), hard: limit.hard });
  using _limit = { [Symbol.dispose]: () => setFdLimit(limit) };
  try {
    for (;;) taken.use(duplicateFd(0));
  } catch (error) {
    if (!(error instanceof SyscallError && error.code === "EMFILE")) {
      throw error;
    }
  }
  setFdLimit({ soft: BigInt(highest + 1 + free), hard: limit.hard });
  return body();
}

/**
 * Children's ends as events of the loop.
 */

import type { OwnedFd } from "../../ffi/fd.ts";
import { type ChildExit, takeChildExit } from "../../ffi/pidfd.ts";
import type { Loop } from "./loop.ts";

export type { ChildExit };

/**
 * Calls `onExit` once the child has ended, from a turn of the loop, and removes
 * it from the process table.
 *
 * @param pidfd taken over: closed when the child has ended, or when the result
 * is disposed. In that case nobody waits for the child, and its entry stays
 * until we end.
 */
export function watchChild(
  loop: Loop,
  pidfd: OwnedFd,
  onExit: (exit: ChildExit) => void,
): Disposable {
  using undo = new DisposableStack();
  const { number: fd } = undo.use(pidfd);
  const ready = (): void => {
    const exit = takeChildExit(fd);
    if (exit === null) return;
    // before the callback, which may start another child
    owned[Symbol.dispose]();
    onExit(exit);
  };
  undo.use(loop.watch(fd, { ready }));
  const owned = undo.move();
  return owned;
}

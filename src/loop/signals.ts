/**
 * Signals as events of the loop.
 */

import { areSignalsBlocked, ignoredSignals } from "../../ffi/process_image.ts";
import type { SignalName } from "../../ffi/signal_set.ts";
import {
  openSignalFd,
  readSignal,
  type ReceivedSignal,
} from "../../ffi/signalfd.ts";
import type { Loop } from "./loop.ts";

/**
 * Calls `handler` for each of these signals, from a turn of the loop, until it
 * is disposed. Signals that come afterwards stay pending: they are still
 * blocked. Signals that our caller ignores (nohup) are left alone: a signalfd
 * would bring them.
 *
 * @throws {Error} when they are not blocked, as main.ts does before anything
 * else: the kernel would end the process instead.
 */
export function watchSignals(
  loop: Loop,
  signals: readonly SignalName[],
  handler: (signal: ReceivedSignal) => void,
): Disposable {
  if (!areSignalsBlocked(signals)) {
    throw new Error(
      `Cannot watch ${signals.join(", ")}: not blocked when the process began`,
    );
  }
  const ignored = ignoredSignals(signals);
  const watched = signals.filter((signal) => !ignored.includes(signal));
  using undo = new DisposableStack();
  const { number: fd } = undo.use(openSignalFd(watched));
  const ready = (): void => {
    // a handler may end the watch
    for (let signal = next(); signal !== null; signal = next()) handler(signal);
  };
  undo.use(loop.watch(fd, { ready }));
  const owned = undo.move();
  const next = (): ReceivedSignal | null =>
    owned.disposed ? null : readSignal(fd);
  return owned;
}

import type { OwnedFd } from "../../ffi/fd.ts";
import { createPipe } from "../../ffi/pipe.ts";

/**
 * A pipe for a test, which closes what the test has neither closed nor given
 * away.
 */
export function openPipe(): Disposable & {
  readonly reader: OwnedFd;
  readonly writer: OwnedFd;
} {
  const { reader, writer } = createPipe();
  return {
    reader,
    writer,
    [Symbol.dispose]: () => {
      reader[Symbol.dispose]();
      writer[Symbol.dispose]();
    },
  };
}

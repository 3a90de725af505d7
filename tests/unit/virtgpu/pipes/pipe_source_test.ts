/**
 * What an application writes for the host, where the kernel does not let it be
 * waited for.
 */
import assert from "node:assert/strict";
import { ENOSPC } from "../../../../ffi/errno.ts";
import { SyscallError } from "../../../../ffi/error.ts";
import { setNonBlocking, statusFlags, writeFd } from "../../../../ffi/fd.ts";
import type { Source, Watch } from "../../../../src/loop/loop.ts";
import { Arrivals } from "../../../../src/virtgpu/pipes/pipe_credit.ts";
import { PipeSource } from "../../../../src/virtgpu/pipes/pipe_source.ts";
import { ManualLoop } from "../../../support/manual_loop.ts";
import { openPipe } from "../../../support/open_pipe.ts";

/** A loop that can watch until it is full. */
class LimitedLoop extends ManualLoop {
  isFull = false;

  override watch(fd: number, source: Source): Watch {
    if (this.isFull) throw new SyscallError("watch a descriptor", ENOSPC);
    return super.watch(fd, source);
  }
}

Deno.test("a transfer that cannot be watched any more ends on both sides, and nothing else does", () => {
  using loop = new LimitedLoop();
  using pipe = openPipe();
  setNonBlocking(pipe.writer.number);
  const { number } = pipe.reader;
  const written: string[] = [];
  using _source = new PipeSource(
    loop,
    pipe.reader,
    new Arrivals(),
    (_bytes, length, last) => written.push(`${length > 0} ${last}`),
  );
  // as much as may be written at once, and more
  for (let turn = 0; turn < 40; turn++) {
    writeFd(pipe.writer.number, new Uint8Array(4096));
    loop.turn(0);
  }
  loop.isFull = true;
  loop.pass(1_000, () => loop.turn(0));
  assert.deepEqual(new Set(written.slice(0, -1)), new Set(["true more"]));
  assert.equal(written.at(-1), "false hang-up");
  assert.throws(() => statusFlags(number), /EBADF/);
  assert.equal(loop.watchCount, 0);
});

Deno.test("a transfer that cannot be watched at all leaves nothing behind", () => {
  using loop = new LimitedLoop();
  loop.isFull = true;
  using pipe = openPipe();
  const { number } = pipe.reader;
  assert.throws(
    () => new PipeSource(loop, pipe.reader, new Arrivals(), () => {}),
    SyscallError,
  );
  assert.throws(() => statusFlags(number), /EBADF/);
});

/**
 * Writing to pipes of others on a kernel whose pipes cannot be told not to
 * wait.
 */

import assert from "node:assert/strict";
import { EAGAIN, EOPNOTSUPP } from "../../../ffi/errno.ts";
import { type OwnedFd, readFd, setNonBlocking } from "../../../ffi/fd.ts";
import type { ForeignOutput } from "../../../ffi/foreign_output.ts";
import { ManualLoop } from "../../support/manual_loop.ts";
import { withFreeDescriptors } from "../../support/free_descriptors.ts";
import { failWith, replaceLibc } from "../../support/replaced_libc.ts";
import { openPipe } from "../../support/open_pipe.ts";

replaceLibc({ pwritev2: () => failWith(EOPNOTSUPP) });

async function openUnopenable(writer: OwnedFd): Promise<ForeignOutput> {
  const { openForeignOutput } = await import("../../../ffi/foreign_output.ts");
  const output = withFreeDescriptors(
    0,
    () => openForeignOutput(writer.release()),
  );
  assert.ok(output !== null);
  return output;
}

// before the first test, which else would be said to leave libraries open
Deno.test.beforeAll(async () => {
  await import("../../../src/virtgpu/pipes/pipe_sink.ts");
});

Deno.test("a pipe that cannot be opened again is written to when the loop has said that there is room, from the first time on", async () => {
  using pipe = openPipe();
  using output = await openUnopenable(pipe.writer);
  assert.equal(output.write(new Uint8Array(10_000)), -EAGAIN);
  assert.equal(output.needsReadiness, true);
  assert.equal(output.write(new Uint8Array(10_000)), 4096);
  assert.equal(readFd(pipe.reader.number, new Uint8Array(10_000)), 4096);
});

Deno.test("a pipe that cannot be opened again is given up where no descriptor is left to find out what the kernel can", async () => {
  using pipe = openPipe();
  using output = await openUnopenable(pipe.writer);
  const result = withFreeDescriptors(
    0,
    () => output.write(new Uint8Array(10_000)),
  );
  assert.equal(result, -EOPNOTSUPP);
  assert.equal(output.needsReadiness, false);
});

Deno.test("a paste into such a pipe writes once each time that the loop has said that there is room", async () => {
  const { PipeSink } = await import("../../../src/virtgpu/pipes/pipe_sink.ts");
  using pipe = openPipe();
  setNonBlocking(pipe.reader.number);
  using loop = new ManualLoop();
  using sink = withFreeDescriptors(
    0,
    () => new PipeSink(loop, pipe.writer.release()),
  );
  const chunk = new Uint8Array(20_000);
  for (const begin of [0, 100]) {
    const data = Uint8Array.from({ length: 20_000 }, (_, i) => i % 251 + begin);
    sink.push(data);
    assert.equal(readFd(pipe.reader.number, chunk), -EAGAIN);
    const out: number[] = [];
    while (loop.turn(0) > 0) {
      const count = readFd(pipe.reader.number, chunk);
      assert.equal(count, Math.min(4096, data.length - out.length));
      for (const byte of chunk.subarray(0, count)) out.push(byte);
    }
    assert.deepEqual(Uint8Array.from(out), data);
  }
  sink.end();
  assert.equal(sink.isDone, true);
});

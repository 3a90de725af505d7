/** Writing to pipes of others on a kernel whose pipes cannot be told not to wait. */

import assert from "node:assert/strict";
import { EAGAIN, EOPNOTSUPP } from "../../ffi/errno.ts";
import { type OwnedFd, readFd } from "../../ffi/fd.ts";
import type { ForeignOutput } from "../../ffi/foreign_output.ts";
import { createPipe } from "../../ffi/pipe.ts";
import { withFreeDescriptors } from "../support/free_descriptors.ts";
import { failWith, replaceLibc } from "../support/replaced_libc.ts";

replaceLibc({ pwritev2: () => failWith(EOPNOTSUPP) });

async function openUnopenable(writer: OwnedFd): Promise<ForeignOutput> {
  const { openForeignOutput } = await import("../../ffi/foreign_output.ts");
  const output = withFreeDescriptors(
    0,
    () => openForeignOutput(writer.release()),
  );
  assert.ok(output !== null);
  return output;
}

Deno.test("a pipe that cannot be opened again is written to when the loop has said that there is room, from the first time on", async () => {
  const { reader, writer } = createPipe();
  using _reader = reader;
  using output = await openUnopenable(writer);
  assert.equal(output.write(new Uint8Array(10_000)), -EAGAIN);
  assert.equal(output.needsReadiness, true);
  assert.equal(output.write(new Uint8Array(10_000)), 4096);
  assert.equal(readFd(reader.number, new Uint8Array(10_000)), 4096);
});

Deno.test("a pipe that cannot be opened again is given up where no descriptor is left to find out what the kernel can", async () => {
  const { reader, writer } = createPipe();
  using _reader = reader;
  using output = await openUnopenable(writer);
  const result = withFreeDescriptors(
    0,
    () => output.write(new Uint8Array(10_000)),
  );
  assert.equal(result, -EOPNOTSUPP);
  assert.equal(output.needsReadiness, false);
});

import assert from "node:assert/strict";
import {
  DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
  DMA_BUF_IOCTL_SYNC,
  exporterOf,
  exportReadFence,
} from "../../../ffi/dma_buf.ts";
import { createMemfd } from "../../../ffi/memfd.ts";
import { withFreeDescriptors } from "../../support/free_descriptors.ts";

Deno.test("requests have the numbers of <linux/dma-buf.h>", () => {
  assert.equal(DMA_BUF_IOCTL_SYNC, 0x4008_6200n);
  assert.equal(DMA_BUF_IOCTL_EXPORT_SYNC_FILE, 0xc008_6202n);
});

Deno.test("what is no dma-buf has no fence and no exporter", () => {
  using file = createMemfd("plane", 4096);
  assert.equal(exportReadFence(file.number), null);
  assert.equal(exporterOf(file.number), null);
});

Deno.test("without a free descriptor nobody can tell who made a dma-buf", () => {
  using file = createMemfd("plane", 4096);
  withFreeDescriptors(0, () => {
    assert.throws(
      () => exporterOf(file.number),
      { name: "SyscallError", code: "EMFILE" },
    );
    assert.equal(exportReadFence(file.number), null);
  });
});

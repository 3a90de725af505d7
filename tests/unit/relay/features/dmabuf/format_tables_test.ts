import assert from "node:assert/strict";
import { OwnedFd, readFd } from "../../../../../ffi/fd.ts";
import {
  ENTRY_BYTES,
  FormatTables,
} from "../../../../../src/relay/features/dmabuf/format_tables.ts";

Deno.test("each client reads a table from its beginning, whatever others have read", () => {
  using tables = new FormatTables(() => true);
  const contents = new Uint8Array(2 * ENTRY_BYTES).fill(7);
  for (let client = 0; client < 2; client++) {
    using fd = new OwnedFd(tables.find(contents.slice()).fd);
    const bytes = new Uint8Array(contents.length + 1);
    assert.equal(readFd(fd.number, bytes), contents.length);
    assert.deepEqual(bytes.subarray(0, contents.length), contents);
  }
});

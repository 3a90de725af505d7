/** The log ring and its file. */

import assert from "node:assert/strict";
import { mkfifo } from "../../../ffi/process.ts";
import {
  getEvent,
  getRequest,
  type Message,
} from "../../../protocols/tables.ts";
import { LogRing, RingLabel } from "../../../src/log/ring.ts";
import { appendToRingFile, FLUSH_HEADER } from "../../../src/log/ring_file.ts";
import { formatTime } from "../../../src/log/timestamp.ts";
import { messageWords } from "../../support/words.ts";
import { makeScratch } from "../../support/scratch.ts";

const noon = new Date(2026, 2, 7, 12, 0, 0).getTime();
const destroy = getRequest("wl_surface.destroy");

/** Adds a message of a client, by default one that is all of `words`. */
function add(
  ring: LogRing,
  label: RingLabel,
  message: Message,
  words: Int32Array,
  at = 0,
  size = words.byteLength,
): void {
  const id = words[0] ?? 0;
  ring.addMessage(
    noon,
    label,
    "client",
    "received",
    message,
    id,
    words,
    at,
    size,
  );
}

function addDestroy(ring: LogRing, label: RingLabel, objectId: number): void {
  add(ring, label, destroy, messageWords(objectId, destroy.opcode, []));
}

Deno.test("what was added comes back as lines, in order, with its own times", () => {
  const ring = new LogRing(8192, "wl-proxy");
  const label = new RingLabel("foot[12]");
  ring.addText(noon, "proxy", "warning", "first é 🦀");
  const motion = getEvent("wl_pointer.motion");
  const words = new Int32Array(20).fill(-1);
  words.set(messageWords(5, motion.opcode, [1000, 0x180, -0x100]), 9);
  ring.addMessage(
    noon + 1007,
    label,
    "host",
    "received",
    motion,
    0xff00_0005,
    words,
    9,
    20,
  );
  // what the ring has is a copy
  words.fill(0);
  ring.addMessage(
    noon + 59_999,
    new RingLabel("b[2]"),
    "host",
    "sent",
    destroy,
    6,
    messageWords(6, 0, []),
    0,
    8,
  );
  ring.addText(noon + 60_000, "x11", "debug", "");
  assert.deepEqual([...ring.lines()], [
    "2026-03-07 12:00:00.000   wl-proxy WARNING: first é 🦀",
    "2026-03-07 12:00:01.007  wl-server INFO: foot[12] <- wl_pointer@4278190085.motion(1000, 1.5, -1)",
    "2026-03-07 12:00:59.999  wl-server INFO: b[2] -> wl_surface@6.destroy()",
    "2026-03-07 12:01:00.000        x11 DEBUG: ",
  ]);
});

Deno.test("a full ring forgets its oldest lines, and keeps at least three quarters", () => {
  const ring = new LogRing(4096, "wl-proxy");
  // seven words of header and two of message
  const inRing = 4096 / (9 * 4);
  const label = new RingLabel("c[1]");
  for (let i = 1; i <= 600; i++) {
    addDestroy(ring, label, i);
    const ids = [...ring.lines()].map((line) =>
      Number(/@(\d+)\./.exec(line)?.[1])
    );
    assert.ok(ids.length <= inRing);
    assert.ok(ids.length >= Math.min(i, Math.floor(inRing * 3 / 4) - 3));
    assert.deepEqual(ids, ids.map((_, k) => i - ids.length + 1 + k));
  }
});

Deno.test("every line names its own client, however often the ring goes round", () => {
  const ring = new LogRing(4096, "wl-proxy");
  const labels = Array.from(
    { length: 7 },
    (_, i) => new RingLabel(`client${i}[${i}]`),
  );
  for (let i = 0; i < 3000; i++) {
    const index = (i * 5) % 7;
    const label = labels[index];
    assert.ok(label !== undefined);
    addDestroy(ring, label, index);
  }
  const lines = [...ring.lines()];
  assert.ok(lines.length > 50);
  for (const line of lines) {
    assert.match(line, /client(\d)\[\1\] -> wl_surface@\1\.destroy/);
  }
});

Deno.test("a ring that was cleared is empty, and goes on", () => {
  const ring = new LogRing(4096, "wl-proxy");
  const label = new RingLabel("c[1]");
  for (let i = 0; i < 40; i++) addDestroy(ring, label, i);
  ring.clear();
  assert.deepEqual([...ring.lines()], []);
  addDestroy(ring, label, 77);
  assert.deepEqual([...ring.lines()], [
    "2026-03-07 12:00:00.000  wl-client INFO: c[1] -> wl_surface@77.destroy()",
  ]);
});

Deno.test("what is larger than the ring is cut, and says so where it is a message", () => {
  // the smallest ring: four chunks of 256 bytes
  const ring = new LogRing(0, "wl-proxy");
  ring.addText(noon, "proxy", "info", "é".repeat(5000));
  const title = getRequest("xdg_toplevel.set_title");
  const words = messageWords(9, title.opcode, ["t".repeat(4000)]);
  add(ring, new RingLabel("c[1]"), title, words);
  const [text, message, ...others] = [...ring.lines()];
  assert.deepEqual(others, []);
  assert.match(text ?? "", / wl-proxy INFO: é{50,120}$/);
  assert.match(
    message ?? "",
    / xdg_toplevel@9\.set_title\(… cut to fit the log ring\)$/,
  );
});

Deno.test("messages with an impossible size or place are recorded without reading beyond their words", () => {
  const ring = new LogRing(65_536, "wl-proxy");
  const label = new RingLabel("c[1]");
  const words = Int32Array.of(1, 0, 0, 0);
  for (const [offset, size] of [[0, -4], [0, 0], [0, 3], [2, 400], [9, 8]]) {
    add(ring, label, getRequest("wl_surface.attach"), words, offset, size);
  }
  const lines = [...ring.lines()];
  assert.equal(lines.length, 5);
  for (const line of lines) assert.match(line, /wl_surface@1\.attach\(.*\)$/);
});

Deno.test("the file is made for its owner alone, and flushes are appended, each with its header", () => {
  using scratch = makeScratch("ring");
  const path = `${scratch.path}/ring.log`;
  appendToRingFile(path, ["one", "two"]);
  assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  appendToRingFile(path, []);
  appendToRingFile(
    path,
    Array.from({ length: 20_000 }, (_, i) => `line ${i}`),
  );
  const lines = Deno.readTextFileSync(path).split("\n");
  assert.deepEqual(lines.slice(0, 5), [
    FLUSH_HEADER,
    "one",
    "two",
    FLUSH_HEADER,
    FLUSH_HEADER,
  ]);
  assert.equal(FLUSH_HEADER, "=== flushing log to file ===");
  assert.equal(lines.length, 5 + 20_000 + 1);
  assert.equal(lines.at(-2), "line 19999");
});

Deno.test("a file that cannot be written is an error, and a pipe without a reader does not wait", () => {
  using scratch = makeScratch("ring");
  assert.throws(
    () => appendToRingFile(`${scratch.path}/no/ring.log`, []),
    { name: "SyscallError", code: "ENOENT" },
  );
  mkfifo(`${scratch.path}/pipe`, 0o600);
  assert.throws(
    () => appendToRingFile(`${scratch.path}/pipe`, ["line"]),
    { name: "SyscallError", code: "ENXIO" },
  );
  assert.throws(
    () => appendToRingFile("/dev/full", ["line"]),
    { name: "SyscallError", code: "ENOSPC" },
  );
});

Deno.test("times are local, with milliseconds", () => {
  assert.equal(formatTime(noon), "2026-03-07 12:00:00.000");
  assert.equal(formatTime(noon + 9), "2026-03-07 12:00:00.009");
  assert.equal(formatTime(noon + 99), "2026-03-07 12:00:00.099");
  assert.equal(formatTime(noon - 1), "2026-03-07 11:59:59.999");
  assert.equal(
    formatTime(new Date(2031, 10, 30, 1, 2, 3).getTime() + 456),
    "2031-11-30 01:02:03.456",
  );
});

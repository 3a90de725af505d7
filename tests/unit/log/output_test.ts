/** Lines to outputs that are slow, full, gone, or shared with others. */

import assert from "node:assert/strict";
import { EAGAIN } from "../../../ffi/errno.ts";
import {
  duplicateFd,
  O_CREAT,
  O_NONBLOCK,
  O_WRONLY,
  openFile,
  type OwnedFd,
  readFd,
  setNonBlocking,
  statusFlags,
  writeFd,
} from "../../../ffi/fd.ts";
import { borrowForeignOutput } from "../../../ffi/foreign_output.ts";
import { createPipe } from "../../../ffi/pipe.ts";
import { socketPair } from "../../../ffi/unix_socket.ts";
import { LineWriter } from "../../../src/log/line_writer.ts";
import { makeScratch } from "../../support/scratch.ts";
import { openPipe } from "../../support/open_pipe.ts";

function openWriter(fd: OwnedFd, reopen?: () => null): LineWriter {
  return new LineWriter(
    borrowForeignOutput(fd.number, reopen),
    (lines) => `(${lines} lost)`,
  );
}

/** What a descriptor gives, which may end within a character each time. */
class Reader {
  readonly #fd: OwnedFd;
  readonly #decoder = new TextDecoder();
  text = "";

  constructor(fd: OwnedFd) {
    setNonBlocking(fd.number);
    this.#fd = fd;
  }

  /** Adds everything that is there now to `text`. */
  readAll(): void {
    const bytes = new Uint8Array(65_536);
    for (;;) {
      const count = readFd(this.#fd.number, bytes);
      if (count <= 0) {
        assert.ok(count === 0 || count === -EAGAIN);
        return;
      }
      this.text += this.#decoder.decode(bytes.subarray(0, count), {
        stream: true,
      });
    }
  }
}

/**
 * Outputs that can be slow, and how each is made. The fallback is what a pipe
 * of another user gets.
 */
const outputs: {
  name: string;
  open: () => { reader: OwnedFd; writer: OwnedFd };
  reopen?: () => null;
}[] = [
  { name: "a pipe", open: createPipe },
  {
    name: "a pipe that cannot be opened again",
    open: createPipe,
    reopen: () => null,
  },
  {
    name: "a socket",
    open: () => {
      const [reader, writer] = socketPair();
      return { reader, writer };
    },
  },
];

for (const { name, open, reopen } of outputs) {
  Deno.test(`a reader of ${name} that comes late gets whole lines, and is told how many it missed`, () => {
    const { reader, writer } = open();
    using _reader = reader;
    using _writer = writer;
    const flags = statusFlags(writer.number);
    using lines = openWriter(writer, reopen);
    const sent = 20_000;
    for (let i = 0; i < sent; i++) {
      lines.write(`line ${i} of many, é`);
      // writes go out at any moment, and end anywhere in a line
      if (i % 100 === 0) lines.flush();
    }
    assert.equal(lines.flush(), "pending");
    assert.equal(statusFlags(writer.number), flags, "shared flags are kept");

    const output = new Reader(reader);
    do output.readAll(); while (lines.flush() === "pending");
    lines.write("after");
    assert.equal(lines.flush(), "done");
    output.readAll();

    const received = output.text.split("\n");
    assert.equal(received.pop(), "");
    assert.equal(received.pop(), "after");
    let next = 0;
    let losses = 0;
    for (const line of received) {
      const lost = /^\((\d+) lost\)$/.exec(line)?.[1];
      if (lost === undefined) {
        assert.equal(line, `line ${next} of many, é`);
        next++;
      } else {
        losses++;
        next += Number(lost);
      }
    }
    assert.equal(next, sent);
    assert.ok(losses > 0);
  });

  Deno.test(`when the reader of ${name} is gone, lines go nowhere and nothing fails`, () => {
    const { reader, writer } = open();
    using _writer = writer;
    using lines = openWriter(writer, reopen);
    lines.write("before");
    reader[Symbol.dispose]();
    assert.equal(lines.flush(), "gone");
    lines.write("after");
    assert.equal(lines.flush(), "gone");
  });
}

Deno.test("a non-blocking descriptor is written to like any other, and stays non-blocking", () => {
  using pipe = openPipe();
  setNonBlocking(pipe.writer.number);
  using lines = openWriter(pipe.writer);
  for (let i = 0; i < 6; i++) lines.write("y".repeat(16_000));
  assert.equal(lines.flush(), "pending");
  const output = new Reader(pipe.reader);
  output.readAll();
  assert.equal(lines.flush(), "done");
  output.readAll();
  assert.equal(output.text, `${"y".repeat(16_000)}\n`.repeat(6));
  assert.ok((statusFlags(pipe.writer.number) & O_NONBLOCK) !== 0);
});

Deno.test("a closed or full descriptor is of no use, and harmless", () => {
  using writer = createPipe().writer;
  const closed = duplicateFd(writer.number);
  const number = closed.number;
  closed[Symbol.dispose]();
  using lines = new LineWriter(borrowForeignOutput(number), () => "lost");
  lines.write("line");
  assert.equal(lines.flush(), "gone");
});

Deno.test("a file gets every line behind what it has", () => {
  using scratch = makeScratch("lines");
  const path = `${scratch.path}/out`;
  using file = openFile(path, O_WRONLY | O_CREAT);
  const encoder = new TextEncoder();
  writeFd(file.number, encoder.encode("from others\n"));
  using lines = openWriter(file);
  for (let i = 0; i < 30_000; i++) lines.write(`line ${i}`);
  assert.equal(lines.flush(), "done");
  writeFd(file.number, encoder.encode("from others again\n"));
  const text = Deno.readTextFileSync(path).split("\n");
  assert.equal(text.length, 30_003);
  assert.equal(text[0], "from others");
  assert.equal(text[30_000], "line 29999");
  assert.equal(text[30_001], "from others again");
});

Deno.test("a very long line is cut", () => {
  using pipe = openPipe();
  using lines = openWriter(pipe.writer);
  lines.write("é".repeat(20_000));
  lines.write("next");
  assert.equal(lines.flush(), "done");
  const output = new Reader(pipe.reader);
  output.readAll();
  assert.equal(output.text, "é".repeat(16_384) + "…\nnext\n");
});

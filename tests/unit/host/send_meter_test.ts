/** What may be unanswered is counted before it is sent, and never too low. */
import assert from "node:assert/strict";
import type { FdKind } from "../../../protocols/tables.ts";
import { SendMeter } from "../../../src/host/send_meter.ts";
import { measureSend } from "../../../src/host/virtgpu/sent_fds.ts";
import {
  type Dialect,
  DIALECT_28,
  DIALECT_4,
  MAX_PAYLOAD,
} from "../../../src/virtgpu/cross_domain.ts";
import { Queue } from "../../../src/wayland/queue.ts";

const limits = {
  sends: 8,
  bytes: 10_000,
  bytesPerSend: MAX_PAYLOAD,
  fdsPerSend: DIALECT_4.identifiers,
};

/** Appends a message, with numbers in place of descriptors. */
function push(queue: Queue, size: number, kinds: readonly FdKind[] = []): void {
  for (const kind of kinds) queue.pushFd(-1, kind);
  queue.reserve(size);
  queue.tail += size;
}

/** Takes out what one send takes. */
function send(queue: Queue, dialect: Dialect): void {
  const size = { bytes: 0, fds: 0 };
  measureSend(queue, dialect, size);
  for (let i = 0; i < size.fds; i++) queue.shiftFd();
  queue.consume(size.bytes);
}

/** Numbers that look random, and are the same each time. */
function* numbers(): Generator<number, never> {
  for (let state = 1;;) {
    state = Math.imul(state, 1_103_515_245) + 12_345;
    yield state >>> 16;
  }
}

/** How many sends the queue takes, as a meter counts it. */
function counted(queue: Queue): number {
  for (let sends = 1;; sends++) {
    const meter = new SendMeter(queue, { ...limits, sends, bytes: Infinity });
    if (!meter.isFull) return sends - 1;
  }
}

for (const dialect of [DIALECT_4, DIALECT_28]) {
  Deno.test(`no queue takes more sends than were counted, with ${dialect.identifiers} identifiers each`, () => {
    const random = numbers();
    const below = (limit: number): number => random.next().value % limit;
    const kinds = ["shm", "pipe_write_end", "dmabuf", "keymap"] as const;
    for (let round = 0; round < 500; round++) {
      const queue = new Queue();
      for (let messages = below(60) + 1; messages > 0; messages--) {
        const size = below(5) === 0 ? 4096 : 8 + 4 * below(12);
        const fds = below(3) === 0 ? below(6) : 0;
        push(
          queue,
          size,
          Array.from({ length: fds }, () => kinds[below(4)] ?? "shm"),
        );
      }
      const most = counted(queue);
      let sends = 0;
      for (; queue.length > 0; sends++) send(queue, dialect);
      assert.ok(sends <= most, `${sends} sends, ${most} were counted`);
    }
  });
}

Deno.test("the host is asked at each half, and waited for at the whole, by what was sent before the question", () => {
  const queue = new Queue();
  const meter = new SendMeter(queue, limits);
  const sendOne = (): void => {
    push(queue, 24);
    send(queue, DIALECT_28);
    meter.sent();
  };
  for (let i = 0; i < 3; i++) sendOne();
  assert.ok(!meter.isDue);
  push(queue, 24);
  assert.ok(meter.isDue, "with the one that is queued");
  push(queue, 12);
  meter.asked();
  assert.ok(!meter.isDue);
  send(queue, DIALECT_28);
  meter.sent();
  for (let i = 0; i < 4; i++) {
    assert.ok(!meter.isFull);
    assert.ok(meter.allows(24));
    sendOne();
  }
  assert.ok(meter.isFull);
  assert.ok(!meter.allows(24));
  meter.answered();
  assert.ok(!meter.isFull);
  for (let i = 0; i < 4; i++) sendOne();
  assert.ok(meter.isFull, "four were sent after the question");
});

Deno.test("what the host was not asked about yet is sent, or nothing would ever be answered", () => {
  const queue = new Queue();
  const meter = new SendMeter(queue, limits);
  push(queue, 20_000);
  assert.ok(meter.isFull);
  assert.ok(meter.allows(MAX_PAYLOAD));
  push(queue, 12);
  meter.asked();
  let sends = 0;
  for (; queue.length > 0; sends++) {
    assert.ok(meter.allows(MAX_PAYLOAD), `send ${sends}`);
    send(queue, DIALECT_28);
    meter.sent();
  }
  assert.ok(!meter.allows(1));
  meter.answered();
  assert.ok(meter.allows(limits.bytes));
});

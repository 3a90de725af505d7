/** The event loop, turn by turn, on real descriptors. */

import assert from "node:assert/strict";
import {
  O_RDONLY,
  openFile,
  type OwnedFd,
  readFd,
  writeFd,
} from "../../../ffi/fd.ts";
import { createPipe } from "../../../ffi/pipe.ts";
import { shutdownSending, socketPair } from "../../../ffi/unix_socket.ts";
import {
  type Flushable,
  Loop,
  type Source,
  type Trigger,
  type Watch,
} from "../../../src/loop/loop.ts";

/**
 * How long a turn of a failing test may wait for something that does not come.
 */
const LIMIT_MS = 5000;

/**
 * Notes what it is told: "r", "w" and "h" for readable, writable and hangup.
 */
class Recorder implements Source {
  readonly told: string[] = [];

  ready(readable: boolean, writable: boolean, hangup: boolean): void {
    this.told.push(
      `${readable ? "r" : ""}${writable ? "w" : ""}${hangup ? "h" : ""}`,
    );
  }
}

function sendByte(fd: OwnedFd): void {
  assert.equal(writeFd(fd.number, new Uint8Array(1)), 1);
}

/** A socket that a loop watches, and its other end. */
class WatchedSocket implements Disposable {
  readonly source = new Recorder();
  readonly socket: OwnedFd;
  readonly peer: OwnedFd;
  readonly watch: Watch;

  /** @param told is told of the socket instead of `source` */
  constructor(loop: Loop, told?: Source, trigger: Trigger = "level") {
    [this.socket, this.peer] = socketPair();
    this.watch = loop.watch(this.socket.number, told ?? this.source, trigger);
  }

  /** One that becomes readable with the next turn. */
  static readable(loop: Loop, ready: Source["ready"]): WatchedSocket {
    const watched = new WatchedSocket(loop, { ready });
    sendByte(watched.peer);
    return watched;
  }

  [Symbol.dispose](): void {
    this.watch[Symbol.dispose]();
    this.socket[Symbol.dispose]();
    this.peer[Symbol.dispose]();
  }
}

Deno.test("a source is told as long as it is readable, and of what it is interested in only", () => {
  using loop = new Loop();
  using watched = new WatchedSocket(loop);
  const { source, watch, peer } = watched;
  assert.equal(loop.turn(0), 0);
  sendByte(peer);
  assert.equal(loop.turn(LIMIT_MS), 1);
  assert.equal(loop.turn(LIMIT_MS), 1);
  watch.writable = true;
  loop.turn(LIMIT_MS);
  watch.readable = false;
  loop.turn(LIMIT_MS);
  watch.writable = false;
  assert.equal(loop.turn(0), 0);
  watch.readable = true;
  loop.turn(LIMIT_MS);
  assert.deepEqual(source.told, ["r", "r", "rw", "w", "r"]);
});

Deno.test("with the trigger edge a source is told of what comes, and once more where it says so or its interest changes", () => {
  using loop = new Loop();
  using watched = new WatchedSocket(loop, undefined, "edge");
  const { source, watch, peer } = watched;
  sendByte(peer);
  assert.equal(loop.turn(LIMIT_MS), 1);
  assert.equal(loop.turn(0), 0);
  sendByte(peer);
  assert.equal(loop.turn(LIMIT_MS), 1);
  assert.equal(loop.turn(0), 0);
  watch.again();
  assert.equal(loop.turn(LIMIT_MS), 1);
  assert.equal(loop.turn(0), 0);
  watch.readable = false;
  watch.readable = true;
  assert.equal(loop.turn(LIMIT_MS), 1);
  assert.deepEqual(source.told, ["r", "r", "r", "r"]);
});

Deno.test("with the trigger edge, too, the end is told until the source is no more interested", () => {
  using loop = new Loop();
  using watched = new WatchedSocket(loop, undefined, "edge");
  const { source, watch, peer } = watched;
  sendByte(peer);
  shutdownSending(peer.number);
  loop.turn(LIMIT_MS);
  loop.turn(LIMIT_MS);
  watch.readable = false;
  assert.equal(loop.turn(0), 0);
  assert.deepEqual(source.told, ["r", "r"]);
});

Deno.test("the end of a socket is readable, with the hang-up, again and again", () => {
  using loop = new Loop();
  using watched = new WatchedSocket(loop);
  watched.peer[Symbol.dispose]();
  loop.turn(LIMIT_MS);
  loop.turn(LIMIT_MS);
  assert.deepEqual(watched.source.told, ["rh", "rh"]);
});

Deno.test("the end of a pipe is readable, a broken one writable", () => {
  using loop = new Loop();
  const ended = createPipe();
  const broken = createPipe();
  using reader = ended.reader;
  using writer = broken.writer;
  ended.writer[Symbol.dispose]();
  broken.reader[Symbol.dispose]();
  const end = new Recorder();
  const breach = new Recorder();
  using _end = loop.watch(reader.number, end);
  using breachWatch = loop.watch(writer.number, breach);
  breachWatch.readable = false;
  breachWatch.writable = true;
  assert.equal(loop.turn(LIMIT_MS), 2);
  assert.deepEqual([end.told, breach.told], [["rh"], ["wh"]]);
  assert.equal(readFd(reader.number, new Uint8Array(1)), 0);
});

Deno.test("without any interest a hang-up is told once, and does not wake the loop again", () => {
  using loop = new Loop();
  using watched = new WatchedSocket(loop);
  const { source, watch, peer } = watched;
  watch.readable = false;
  sendByte(peer);
  assert.equal(loop.turn(0), 0);
  peer[Symbol.dispose]();
  assert.equal(loop.turn(LIMIT_MS), 1);
  assert.equal(loop.turn(0), 0);
  watch.readable = true;
  assert.equal(loop.turn(LIMIT_MS), 1);
  assert.deepEqual(source.told, ["h", "rh"]);
});

Deno.test("a watch that a handler disposes gets no event of the same turn", () => {
  using loop = new Loop();
  using undo = new DisposableStack();
  const watches: Watch[] = [];
  let told = 0;
  // whichever comes first ends both
  const ready = (): void => {
    told++;
    for (const watch of watches) watch[Symbol.dispose]();
  };
  for (let i = 0; i < 2; i++) {
    watches.push(undo.use(WatchedSocket.readable(loop, ready)).watch);
  }
  assert.equal(loop.turn(LIMIT_MS), 1);
  assert.equal(told, 1);
  assert.equal(loop.watchCount, 0);
  for (const watch of watches) watch[Symbol.dispose]();
  assert.equal(loop.watchCount, 0);
});

Deno.test("a descriptor that gets the number of one closed in the same turn gets none of its events", () => {
  using loop = new Loop();
  const stale = new Recorder();
  const fresh = new Recorder();
  const ends = [socketPair(), socketPair()] as const;
  const watches = new Map<OwnedFd, Watch>();
  let reusedNumber = -1;
  let replacement: {
    readonly end: OwnedFd;
    readonly peer: OwnedFd;
    readonly watch: Watch;
  } | null = null;
  for (const [i, [end, peer]] of ends.entries()) {
    const ready = (): void => {
      if (replacement !== null) return stale.ready(true, false, false);
      // the other end, whose event waits in this very turn
      const [other] = ends[1 - i] ?? ends[0];
      reusedNumber = other.number;
      watches.get(other)?.[Symbol.dispose]();
      other[Symbol.dispose]();
      const [reused, newPeer] = socketPair();
      replacement = {
        end: reused,
        peer: newPeer,
        watch: loop.watch(reused.number, fresh),
      };
    };
    watches.set(end, loop.watch(end.number, { ready }));
    sendByte(peer);
  }
  assert.equal(loop.turn(LIMIT_MS), 1);
  assert.notEqual(replacement, null);
  assert.deepEqual([stale.told, fresh.told], [[], []]);
  using undo = new DisposableStack();
  for (const pair of ends) for (const end of pair) undo.use(end);
  if (replacement === null) return;
  const { end, peer, watch }: { end: OwnedFd; peer: OwnedFd; watch: Watch } =
    replacement;
  undo.use(end);
  undo.use(peer);
  assert.equal(end.number, reusedNumber);
  sendByte(peer);
  loop.turn(LIMIT_MS);
  assert.deepEqual(fresh.told, ["r"]);
  for (const old of watches.values()) old[Symbol.dispose]();
  watch[Symbol.dispose]();
});

Deno.test("interest that a handler takes away counts in the same turn", () => {
  using loop = new Loop();
  using undo = new DisposableStack();
  const watches: Watch[] = [];
  let told = 0;
  const ready = (): void => {
    told++;
    for (const watch of watches) watch.readable = false;
  };
  for (let i = 0; i < 2; i++) {
    watches.push(undo.use(WatchedSocket.readable(loop, ready)).watch);
  }
  assert.equal(loop.turn(LIMIT_MS), 1);
  assert.equal(told, 1);
});

Deno.test("what a handler throws leaves the turn, and nothing is lost", () => {
  using loop = new Loop();
  using undo = new DisposableStack();
  const flushed: string[] = [];
  const task = { flushPending: false, flush: () => flushed.push("flush") };
  let failures = 0;
  const served = new Set<WatchedSocket>();
  for (let i = 0; i < 2; i++) {
    const watched = undo.use(WatchedSocket.readable(loop, () => {
      loop.beforeWait(task);
      readFd(watched.socket.number, new Uint8Array(1));
      served.add(watched);
      if (failures++ === 0) throw new Error("planned");
    }));
  }
  assert.throws(() => loop.turn(LIMIT_MS), /planned/);
  assert.deepEqual(flushed, []);
  loop.turn(LIMIT_MS);
  assert.equal(served.size, 2);
  // once before the wait, for the first handler; once after it, for the second
  assert.deepEqual(flushed, ["flush", "flush"]);
});

Deno.test("flushes run once each, after all handlers, also those that a flush asks for", () => {
  using loop = new Loop();
  using undo = new DisposableStack();
  const order: string[] = [];
  const last: Flushable = {
    flushPending: false,
    flush: () => order.push("last"),
  };
  const first: Flushable = {
    flushPending: false,
    flush: () => {
      assert.equal(first.flushPending, false);
      order.push("first");
      loop.beforeWait(last);
    },
  };
  for (let i = 0; i < 2; i++) {
    undo.use(WatchedSocket.readable(loop, () => {
      order.push("handler");
      loop.beforeWait(first);
      assert.equal(first.flushPending, true);
    }));
  }
  loop.turn(LIMIT_MS);
  assert.deepEqual(order, ["handler", "handler", "first", "last"]);
});

Deno.test("a flush that was asked for between turns runs before the next wait", () => {
  using loop = new Loop();
  using watched = new WatchedSocket(loop);
  loop.beforeWait({ flushPending: false, flush: () => sendByte(watched.peer) });
  assert.equal(loop.turn(LIMIT_MS), 1);
});

Deno.test("a flush that throws is over, and the others still run", () => {
  using loop = new Loop();
  const order: string[] = [];
  const failing: Flushable = {
    flushPending: false,
    flush: () => {
      throw new Error("planned");
    },
  };
  loop.beforeWait(failing);
  loop.beforeWait({ flushPending: false, flush: () => order.push("second") });
  assert.throws(() => loop.turn(0), /planned/);
  loop.turn(0);
  assert.deepEqual(order, ["second"]);
});

Deno.test("timers run at the end of a turn, in order, and can be cancelled by each other", () => {
  using loop = new Loop();
  const order: string[] = [];
  const cancelled = loop.after(4, () => order.push("cancelled"));
  loop.after(3, () => order.push("second"));
  loop.after(1, () => {
    order.push("first");
    cancelled[Symbol.dispose]();
    loop.after(3, () => {
      order.push("last");
      loop.stop();
    });
  });
  loop.run();
  assert.deepEqual(order, ["first", "second", "last"]);
  assert.equal(loop.watchCount, 0);
});

Deno.test("a timer that was cancelled last leaves nothing to run", () => {
  using loop = new Loop();
  loop.after(1, () => assert.fail("cancelled"))[Symbol.dispose]();
  // its descriptor still expires, but nobody is told
  assert.equal(loop.turn(LIMIT_MS), 0);
  assert.equal(loop.turn(0), 0);
});

Deno.test("a timer of no time runs in the next turn, and one made there in the one after", () => {
  using loop = new Loop();
  let count = 0;
  const again = (): void => {
    count++;
    loop.after(0, again);
  };
  loop.after(0, again);
  assert.equal(loop.turn(LIMIT_MS), 1);
  assert.equal(loop.turn(LIMIT_MS), 1);
  assert.equal(count, 2);
});

Deno.test("time stands still during a turn, and is never before a timer's", () => {
  using loop = new Loop();
  const start = loop.now;
  const times: number[] = [];
  for (const _ of [1, 2]) {
    loop.after(2, () => {
      times.push(loop.now);
      const until = performance.now() + 1;
      while (performance.now() < until);
      times.push(loop.now);
    });
  }
  while (times.length < 4) loop.turn(LIMIT_MS);
  assert.ok((times[0] ?? 0) >= start + 2);
  assert.equal(times[0], times[1]);
  assert.equal(times[2], times[3]);
  const outside = loop.now;
  const until = performance.now() + 1;
  while (performance.now() < until);
  assert.ok(loop.now > outside);
});

Deno.test("more descriptors than one wait brings are all served in the end", () => {
  using loop = new Loop();
  using undo = new DisposableStack();
  const served = new Set<number>();
  for (let i = 0; i < 100; i++) {
    undo.use(WatchedSocket.readable(loop, () => served.add(i)));
  }
  for (let i = 0; i < 4; i++) loop.turn(LIMIT_MS);
  assert.equal(served.size, 100);
  assert.equal(loop.watchCount, 100);
});

Deno.test("misuse is refused: a turn within a turn, a second watch, a file, a forgotten watch", () => {
  const loop = new Loop();
  const [a, b] = socketPair();
  using _a = a;
  using _b = b;
  using file = openFile(Deno.execPath(), O_RDONLY);
  loop.beforeWait({ flushPending: false, flush: () => void loop.turn(0) });
  assert.throws(() => loop.turn(0), /a turn is already running/);
  const watch = loop.watch(a.number, new Recorder());
  assert.throws(
    () => loop.watch(a.number, new Recorder()),
    /it is already watched/,
  );
  assert.throws(
    () => loop.watch(file.number, new Recorder()),
    { name: "SyscallError", code: "EPERM" },
  );
  assert.equal(loop.watchCount, 1);
  assert.throws(
    () => loop[Symbol.dispose](),
    new RegExp(`it still watches ${a.number}$`),
  );
  loop[Symbol.dispose]();
  watch.writable = true;
  watch[Symbol.dispose]();
});

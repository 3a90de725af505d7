/**
 * Structs of the C library, byte by byte, with a different value in every
 * field, as a C program lays them out (x86-64, glibc 2.36).
 */

import assert from "node:assert/strict";
import { addressOf, encodeStringVector } from "../../../ffi/address.ts";
import { encodeRights, parseRights } from "../../../ffi/control_message.ts";
import { eventLayout } from "../../../ffi/epoll.ts";
import { parseChildExit } from "../../../ffi/pidfd.ts";
import { encodeSignalSet, signalSetHas } from "../../../ffi/signal_set.ts";
import { parseSignal } from "../../../ffi/signalfd.ts";
import { encodeDeadline } from "../../../ffi/timerfd.ts";
import { encodeUnixAddress } from "../../../ffi/unix_socket.ts";

function hexOf(
  view: Uint8Array | Int32Array | Uint32Array,
  bytes = view.byteLength,
): string {
  return new Uint8Array(view.buffer, view.byteOffset, bytes).toHex();
}

Deno.test("a control message with three descriptors has the bytes of struct cmsghdr", () => {
  const words = new Int32Array(16);
  const length = encodeRights(
    words,
    new Int32Array([9, 0x0a0b0c0d, 17, 258]),
    1,
    3,
  );
  assert.equal(length, 32);
  assert.equal(
    hexOf(words, 32),
    "1c000000000000000100000001000000" + "0d0c0b0a110000000201000000000000",
  );
});

Deno.test("descriptors are found behind control messages of other kinds", () => {
  const hex = "1c000000000000000100000002000000" +
    "11000000220000003300000000000000" + // SCM_CREDENTIALS
    "18000000000000000100000001000000" + "0500000006010000"; // SCM_RIGHTS
  const bytes = Uint8Array.fromHex(hex);
  const fds = new Int32Array(253);
  assert.equal(parseRights(new Int32Array(bytes.buffer), bytes.length, fds), 2);
  assert.deepEqual([...fds.subarray(0, 3)], [5, 0x106, 0]);
});

for (
  const [name, hex] of [
    [
      "shorter than its own header",
      "0f000000000000000100000001000000" + "0500000000000000",
    ],
    [
      "of another protocol level",
      "14000000000000002900000001000000" + "0500000000000000",
    ],
  ] as const
) {
  Deno.test(`a control message ${name} brings no descriptor`, () => {
    const bytes = Uint8Array.fromHex(hex);
    assert.equal(
      parseRights(
        new Int32Array(bytes.buffer),
        bytes.length,
        new Int32Array(253),
      ),
      0,
    );
  });
}

Deno.test("a control message that claims more than there is brings what there is", () => {
  const bytes = Uint8Array.fromHex(
    "28000000000000000100000001000000" + "0500000006000000",
  );
  const fds = new Int32Array(253);
  assert.equal(parseRights(new Int32Array(bytes.buffer), bytes.length, fds), 2);
});

Deno.test("a socket address is a path with its zero, or an abstract name without one", () => {
  assert.equal(hexOf(encodeUnixAddress("/a/b")), "01002f612f6200");
  assert.equal(hexOf(encodeUnixAddress("@xy")), "0100007879");
});

Deno.test("a socket address may have 107 bytes, and not one more", () => {
  assert.equal(encodeUnixAddress(`/${"a".repeat(106)}`).length, 110);
  assert.equal(encodeUnixAddress(`@${"a".repeat(107)}`).length, 110);
  assert.throws(() => encodeUnixAddress(`/${"ä".repeat(53)}a`), RangeError);
  assert.throws(() => encodeUnixAddress(`@${"a".repeat(108)}`), RangeError);
  assert.throws(() => encodeUnixAddress(""), RangeError);
  assert.throws(() => encodeUnixAddress("/a\0b"), RangeError);
});

Deno.test("a deadline is a struct itimerspec without interval, in seconds and nanoseconds", () => {
  const words = new Uint32Array(8);
  encodeDeadline(words, 0x01020304 * 1000 + 5.5);
  assert.equal(
    hexOf(words),
    "00".repeat(16) + "0403020100000000" + "60ec530000000000",
  );
});

Deno.test("a deadline at zero does not switch the timer off", () => {
  const words = new Uint32Array(8);
  encodeDeadline(words, 0);
  assert.equal(
    hexOf(words),
    "00".repeat(16) + "0000000000000000" + "0100000000000000",
  );
});

Deno.test("struct epoll_event is packed on x86-64 and aligned elsewhere", () => {
  assert.deepEqual(eventLayout("x86_64"), { words: 3, data: 1 });
  assert.deepEqual(eventLayout("aarch64"), { words: 4, data: 2 });
});

Deno.test("a signal set has bit n - 1 for signal n", () => {
  const set = encodeSignalSet([
    "SIGHUP",
    "SIGINT",
    "SIGTERM",
    "SIGCHLD",
    "SIGSYS",
  ]);
  assert.equal(hexOf(set), "03400140" + "00".repeat(124));
  assert.equal(signalSetHas(set, "SIGTERM"), true);
  assert.equal(signalSetHas(set, "SIGPIPE"), false);
});

Deno.test("a struct signalfd_siginfo tells the signal and its sender", () => {
  const bytes = Uint8Array.fromHex(
    "0f000000" + "02000000" + "03000000" + "04010000" + "05000100" +
      "06".repeat(108),
  );
  assert.deepEqual(parseSignal(new Uint32Array(bytes.buffer)), {
    name: "SIGTERM",
    pid: 0x104,
    uid: 0x10005,
  });
});

for (
  const [name, code, status, expected] of [
    ["that returned 7", "01", "07", { code: 7 }],
    ["that was killed", "02", "09", { signal: "SIGKILL" }],
    ["that dumped core", "03", "0b", { signal: "SIGSEGV" }],
    ["that a real-time signal ended", "02", "22", { signal: "signal 34" }],
  ] as const
) {
  Deno.test(`a siginfo_t tells of a child ${name}`, () => {
    const bytes = Uint8Array.fromHex(
      `1100000055000000${code}000000000000000102030004050600${status}000000${
        "77".repeat(100)
      }`,
    );
    assert.deepEqual(parseChildExit(new Int32Array(bytes.buffer)), expected);
  });
}

Deno.test("a siginfo_t without a process tells that the child still runs", () => {
  assert.equal(parseChildExit(new Int32Array(32)), null);
});

Deno.test("a vector of strings points into itself and ends with a null pointer", () => {
  const vector = encodeStringVector(["ab", "", "ü"]);
  const pointers = new BigUint64Array(vector.buffer, 0, 4);
  const base = BigInt(addressOf(vector));
  assert.deepEqual(
    [...pointers].map((pointer) => pointer === 0n ? null : pointer - base),
    [32n, 35n, 36n, null],
  );
  assert.equal(hexOf(vector.subarray(32)), "616200" + "00" + "c3bc00");
});

Deno.test("a string with a zero byte inside is not passed to C", () => {
  assert.throws(() => encodeStringVector(["a\0b"]), TypeError);
});

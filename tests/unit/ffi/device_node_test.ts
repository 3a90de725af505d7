/** Which device a file stands for, and how large a page is. */
import assert from "node:assert/strict";
import {
  deviceNumberOf,
  encodeDeviceNumber,
  memoryPageSize,
} from "../../../ffi/device_node.ts";
import { SyscallError } from "../../../ffi/error.ts";
import { O_RDONLY, openFile } from "../../../ffi/fd.ts";

for (
  // their numbers are those of every Linux:
  // Documentation/admin-guide/devices.txt
  const { path, number } of [
    { path: "/dev/null", number: 0x103n },
    { path: "/dev/urandom", number: 0x109n },
  ]
) {
  Deno.test(`${path} is a device of the number that Linux gives it`, () => {
    using device = openFile(path, O_RDONLY);
    assert.equal(deviceNumberOf(device.number), number);
  });
}

Deno.test("a device's number is that of glibc's makedev", () => {
  // makedev(226, 128), makedev(0x12345, 0x6789a)
  assert.equal(encodeDeviceNumber(226, 128), 0xe280n);
  assert.equal(encodeDeviceNumber(0x12345, 0x6789a), 0x0001_2000_6783_459an);
});

Deno.test("what is no device has no number, and what is not open is told", () => {
  using file = openFile("/proc/self/status", O_RDONLY);
  assert.equal(deviceNumberOf(file.number), 0n);
  assert.throws(() => deviceNumberOf(999_999), SyscallError);
});

Deno.test("a page is as large as the kernel says of this process's memory", () => {
  const [, kilobytes] = /^MMUPageSize:\s*(\d+) kB$/m.exec(
    Deno.readTextFileSync("/proc/self/smaps"),
  ) ?? [];
  assert.equal(memoryPageSize(), Number(kilobytes) * 1024);
});

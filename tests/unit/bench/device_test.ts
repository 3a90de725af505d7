/** What the device benchmark makes of what its guest prints. */
import assert from "node:assert/strict";
import { BenchError } from "../../bench/child.ts";
import {
  callsPerRoundTrip,
  countCalls,
  parseResults,
} from "../../bench/device/results.ts";
import { callTable, deviceTable } from "../../bench/device/tables.ts";

function run(peer: string, round: number, rate: number): string {
  return `run ${peer} full-frames ${round}\noperations ${rate}\nseconds 1\n` +
    `processorSeconds 0.5\np50 3\np99 4\nend 0\n`;
}

Deno.test("the first round only warms up, and bytes are those of the longer run's frames alone", () => {
  const results = parseResults(
    run("direct", 0, 1) + run("proxied", 0, 1) + run("direct", 1, 200) +
      run("proxied", 1, 50) + "copied full-frames 4 1000\n" +
      "copied full-frames 12 1320\n",
  );
  const result = results.get("full-frames");
  assert.equal(result?.copied, 40);
  const [, row] = deviceTable(results);
  assert.equal(row?.[2], "0.250 ±0.000");
  assert.equal(row?.[4], "4.00 ±0.00");
  assert.equal(row?.[6], "40");
});

Deno.test("a peer that measured nothing is no result", () => {
  assert.throws(
    () => parseResults("run direct sync 1\nend 0\n"),
    BenchError,
  );
});

Deno.test("system calls are counted by name, and ioctls by their request", () => {
  const calls = countCalls(
    "ioctl(9</dev/dri/renderD128>, DRM_IOCTL_VIRTGPU_EXECBUFFER, 0x7f00) = 0\n" +
      'read(9</dev/dri/renderD128>, "\\0", 256) = 8\n'.repeat(2) +
      'read(5<anon_inode:[timerfd]>, "\\1", 8) = 8\nclock_gettime(CLOCK_MONOTONIC, {}) = 0\n--- SIGCHLD ---\n',
  );
  assert.deepEqual([...calls], [
    ["ioctl DRM_IOCTL_VIRTGPU_EXECBUFFER", 1],
    ["read of the device", 2],
    ["read of anon_inode:[timerfd]", 1],
  ]);
});

Deno.test("a call that is in no budget misses it", () => {
  const read = "read(9</dev/dri/renderD128>, 0, 256) = 8\n";
  const after = `${read.repeat(201)}${
    "futex(0) = 0\n".repeat(100)
  }madvise(0) = 0\n`;
  const table = callTable(callsPerRoundTrip([read, after]));
  const rows = new Map(table.map(([name = "", ...cells]) => [name, cells]));
  assert.deepEqual(rows.get("read of the device"), ["1", "1", "met"]);
  assert.deepEqual(rows.get("futex"), ["0.5", "0", "missed"]);
  assert.equal(rows.get("madvise"), undefined);
});

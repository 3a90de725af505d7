/**
 * A real program whose memory a real compositor sees as it is, through the
 * emulated device.
 */
import assert from "node:assert/strict";
import { requirePrograms } from "../support/packages.ts";
import type { TestProcess } from "../support/process.ts";
import { makeScratch } from "../support/scratch.ts";
import { eventually } from "../support/wait.ts";
import { startWeston } from "../support/weston.ts";
import { startEmulatedProxy } from "./support/emulated_proxy.ts";

/** weston-simple-shm: 250 by 250 pixels of four bytes, in a sealed file. */
const FRAME_BYTES = 250 * 250 * 4;

Deno.test("weston-simple-shm is shown by weston without a copy, once the host is known to take its memory", async () => {
  await requirePrograms([{ program: "weston-simple-shm", package: "weston" }]);
  await using weston = await startWeston();
  await using proxy = await startEmulatedProxy(
    weston.waylandDisplay,
    "0.1.85",
    "stock",
    "taken",
  );
  using scratch = makeScratch("guest-memory");
  const start = (name: string): TestProcess =>
    proxy.start(["weston-simple-shm"], scratch.path, name);
  {
    await using _first = start("first");
    await eventually(
      "the host has taken a page",
      10_000,
      async () =>
        (await proxy.report()).guestMemory === "taken" ? true : undefined,
    );
  }
  const { copiedBytes, census } = await proxy.idle();
  assert.equal(copiedBytes % FRAME_BYTES, 0, "whole frames, if any");
  assert.deepEqual(new Set(Object.values(census)), new Set([0]));
  {
    await using second = start("second");
    await eventually("it draws", 20_000, async () => {
      const { sends: [sends = 0] } = await proxy.report();
      return sends > 30 ? true : undefined;
    });
    second.requireRunning();
    assert.equal((await proxy.report()).copiedBytes, copiedBytes);
  }
  const report = await proxy.idle();
  assert.deepEqual(new Set(Object.values(report.census)), new Set([0]));
  assert.deepEqual([report.log, report.violations, report.ends], [[], [], []]);
});

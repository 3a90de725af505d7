/**
 * Eight animated programs at once on a real compositor, with QEMU's fences:
 * none stalls, not even when the compositor has been stopped.
 */
import assert from "node:assert/strict";
import { requirePrograms } from "../support/packages.ts";
import { makeScratch } from "../support/scratch.ts";
import { delay, eventually } from "../support/wait.ts";
import { startWeston } from "../support/weston.ts";
import {
  type EmulatedProxy,
  startEmulatedProxy,
} from "./support/emulated_proxy.ts";

const CLIENTS = 8;
/** How long a program may take for its next frames, on a busy machine. */
const PROGRESS_MS = 20_000;

/** Waits until each connection has made more SENDs than it had. */
async function assertProgress(proxy: EmulatedProxy): Promise<void> {
  const before = (await proxy.report()).sends;
  assert.equal(before.length, CLIENTS, "connections");
  await eventually("every program draws on", PROGRESS_MS, async () => {
    const { sends } = await proxy.report();
    return sends.every((count, i) => count > (before[i] ?? 0) + 5)
      ? true
      : undefined;
  });
}

for (const rutabaga of ["0.1.2", "0.1.85"] as const) {
  Deno.test(`${rutabaga}: eight programs draw for a while, wait for a compositor that was stopped for 10 s, and draw on`, async () => {
    await requirePrograms([
      { program: "weston-simple-shm", package: "weston" },
    ]);
    await using weston = await startWeston();
    await using proxy = await startEmulatedProxy(
      weston.waylandDisplay,
      rutabaga,
      "stock",
    );
    await using programs = new AsyncDisposableStack();
    const scratch = programs.use(makeScratch("many"));
    const clients = Array.from({ length: CLIENTS }, (_, index) =>
      programs.use(
        proxy.start(["weston-simple-shm"], scratch.path, `${index}`),
      ));
    await eventually(
      "all are connected",
      10_000,
      async () =>
        (await proxy.report()).sends.length === CLIENTS ? true : undefined,
    );
    for (let i = 0; i < 3; i++) {
      await delay(1000);
      await assertProgress(proxy);
    }
    weston.process.signal("SIGSTOP");
    await delay(10_000);
    assert.equal((await proxy.report()).stalls, 0, "the machine went on");
    weston.process.signal("SIGCONT");
    await assertProgress(proxy);
    for (const client of clients) client.requireRunning();
    const { violations, ends } = await proxy.report();
    assert.deepEqual([violations, ends], [[], []]);

    clients[0]?.signal("SIGKILL");
    await clients[0]?.ended;
    await eventually("the others draw on", PROGRESS_MS, async () => {
      const { sends } = await proxy.report();
      return sends.length === CLIENTS - 1 ? true : undefined;
    });
    if (rutabaga !== "0.1.85") return;
    weston.process.signal("SIGKILL");
    const { census } = await proxy.idle();
    assert.deepEqual(new Set(Object.values(census)), new Set([0]));
  });
}

/**
 * wl-clipboard's programs, one behind the emulated device and one beside it: 20
 * MB both ways, byte for byte.
 */
import assert from "node:assert/strict";
import { PATH, requirePrograms } from "../support/packages.ts";
import { TestProcess } from "../support/process.ts";
import { makeScratch } from "../support/scratch.ts";
import { startSway } from "../support/sway.ts";
import { eventually } from "../support/wait.ts";
import type { Fences, Rutabaga } from "../emulator/host_profile.ts";
import { startEmulatedProxy } from "./support/emulated_proxy.ts";
import { assertSameBytes, noise } from "./support/selections.ts";

const SIZE = 20_000_000;

const hosts: readonly (readonly [Rutabaga, Fences])[] = [
  ["0.1.2", "stock"],
  ["0.1.71", "fixed"],
  ["0.1.85", "stock"],
];

for (const [rutabaga, fences] of hosts) {
  Deno.test(`rutabaga ${rutabaga}, fences ${fences}: 20 MB are pasted byte for byte, into the machine and out of it`, async () => {
    await pasteBothWays(rutabaga, fences, SIZE, "");
  });
}

Deno.test("what is selected is pasted byte for byte, into the machine and out of it", async () => {
  await pasteBothWays("0.1.85", "stock", 100_000, "--primary");
});

/**
 * @param selection the option of wl-clipboard's programs that says which one
 */
async function pasteBothWays(
  rutabaga: Rutabaga,
  fences: Fences,
  size: number,
  selection: "--primary" | "",
): Promise<void> {
  await requirePrograms([
    { program: "wl-copy", package: "wl-clipboard" },
    { program: "wl-paste", package: "wl-clipboard" },
  ]);
  await using sway = await startSway();
  await using proxy = await startEmulatedProxy(
    sway.waylandDisplay,
    rutabaga,
    fences,
  );
  using scratch = makeScratch("clipboard");
  const content = noise(size);
  await Deno.writeFile(`${scratch.path}/content`, content);
  const host = sway.waylandDisplay;
  const guest = proxy.waylandDisplay;
  for (const [from, to] of [[host, guest], [guest, host]] as const) {
    await using copying = start(
      scratch.path,
      from,
      "copy",
      `wl-copy ${selection} --foreground --type application/x-test < content`,
    );
    const file = `${scratch.path}/pasted`;
    await eventually("the selection is offered", 10_000, async () => {
      copying.requireRunning();
      await using listing = start(
        scratch.path,
        to,
        "list",
        `wl-paste ${selection} --list-types`,
      );
      await listing.ended;
      return listing.log().includes("application/x-test") ? true : undefined;
    });
    await using pasting = start(
      scratch.path,
      to,
      "paste",
      `wl-paste ${selection} --no-newline --type application/x-test > pasted`,
    );
    assert.equal(await pasting.end(60_000), 0, pasting.log());
    assertSameBytes(await Deno.readFile(file), content);
  }
  const { violations } = await proxy.report();
  assert.deepEqual(violations, []);
}

/** A line of the shell with a compositor's socket. */
function start(
  folder: string,
  display: string,
  name: string,
  line: string,
): TestProcess {
  return new TestProcess(["sh", "-c", line], {
    logPath: `${folder}/${name}.log`,
    workingDirectory: folder,
    environment: {
      PATH,
      HOME: folder,
      XDG_RUNTIME_DIR: folder,
      WAYLAND_DISPLAY: display,
    },
  });
}

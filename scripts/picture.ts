/**
 * Makes docs/wayferry.png, the picture in the README: two proxies with a tag
 * each, and their applications on one headless sway. `deno task picture`
 */

import { crop, encodePng } from "../tests/support/image.ts";
import {
  asUnprivilegedUser,
  giveToUnprivilegedUser,
  openToEverybody,
  unprivilegedUser,
} from "../tests/support/nobody.ts";
import { PATH, requirePrograms } from "../tests/support/packages.ts";
import { TestProcess } from "../tests/support/process.ts";
import { type ApplicationProxy, startProxy } from "../tests/support/proxy.ts";
import { makeScratch } from "../tests/support/scratch.ts";
import { startSway, type Sway } from "../tests/support/sway.ts";
import { eventually } from "../tests/support/wait.ts";
import { windowScreenshot } from "./window_screenshot.ts";

const AREA = { x: 0, y: 0, width: 1024, height: 440 };
/** An image that stays the same for this long is complete. */
const STILL_MS = 1_500;
const TIMEOUT_MS = 30_000;

/** How sway looks in the picture: title bars, in whose text the tags stand. */
const LOOK = [
  "font pango:DejaVu Sans 12",
  "client.focused #2f6690 #2f6690 #ffffff #2f6690 #2f6690",
  "client.unfocused #3a3a3a #3a3a3a #dddddd #3a3a3a #3a3a3a",
];

const NOTES = `Minutes of Monday

- the scanner works again
- open attachments in the [mail] machine only
- the accountant calls on Thursday
`;

/** Starts an application on a proxy, and puts its window at a place. */
async function show(
  sway: Sway,
  proxy: ApplicationProxy,
  home: string,
  command: readonly string[],
  place: string,
): Promise<TestProcess> {
  const before = (await sway.windows()).map(({ id }) => id);
  openToEverybody(proxy.waylandDisplay);
  // a GTK program tells root in red that it is run by root
  const process = new TestProcess(asUnprivilegedUser(command), {
    logPath: `${home}/${command[0]}.log`,
    environment: {
      PATH,
      HOME: home,
      XDG_RUNTIME_DIR: home,
      WAYLAND_DISPLAY: proxy.waylandDisplay,
      GDK_BACKEND: "wayland",
      NO_AT_BRIDGE: "1",
      LANG: "C.UTF-8",
    },
    workingDirectory: home,
  });
  const window = await eventually("the window opens", TIMEOUT_MS, async () => {
    process.requireRunning();
    return (await sway.windows()).find(({ id }) => !before.includes(id));
  });
  await sway.run(`[con_id=${window.id}] border normal 2, ${place}`);
  return process;
}

async function main(): Promise<void> {
  await requirePrograms([
    { program: "foot", package: "foot" },
    { program: "mousepad", package: "mousepad" },
  ]);
  await using sway = await startSway();
  for (const line of LOOK) await sway.run(line);
  await using work = await startProxy(sway.waylandDisplay, ["--tag=[work] "]);
  await using mail = await startProxy(sway.waylandDisplay, ["--tag=[mail] "]);
  using home = makeScratch("picture", unprivilegedUser());
  Deno.writeTextFileSync(`${home.path}/minutes.txt`, NOTES);
  giveToUnprivilegedUser(home.path);
  await using _editor = await show(
    sway,
    work,
    home.path,
    ["mousepad", "minutes.txt"],
    "resize set 480 330, move position 24 60",
  );
  await using _terminal = await show(
    sway,
    mail,
    home.path,
    [
      "foot",
      "--title=foot",
      "--font=DejaVu Sans Mono:size=11",
      "--override=colors.background=fbfaf5",
      "--override=colors.foreground=202020",
      "sh",
      "-c",
      "printf '$ ls -l attachments\\n-rw-r--r-- 1 me me 48213 invoice.pdf\\n-rw-r--r-- 1 me me  9120 offer.odt\\n$ '; sleep 600",
    ],
    "resize set 470 240, move position 530 150",
  );
  const image = await windowScreenshot(sway, STILL_MS, () => false);
  if (image === undefined) throw new Error("No window appeared");
  Deno.writeFileSync(
    new URL("../docs/wayferry.png", import.meta.url),
    encodePng(crop(image, AREA)),
  );
}

main().then(() => Deno.exit(0));

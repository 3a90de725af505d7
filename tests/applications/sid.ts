/**
 * The application tests in a Debian sid root: newer hosts, newer toolkits, the
 * same executable of ours.
 *
 * Run by root: `deno task applications-sid`. The root is kept in the cache
 * folder and used again; the mirror is the one of this machine's apt. The tests
 * run inside, in a mount namespace that ends with them; the results are the
 * second table of docs/applications.md.
 */
import { configuredMirror } from "../../protocols/importer/debian.ts";
import { requirePrograms } from "../support/packages.ts";
import { runCommand } from "../support/process.ts";
import { requireExecutable } from "../support/proxy.ts";
import { parseJUnit, writeTable } from "./report.ts";

const PROJECT = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");

const CACHE = `${
  Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache`
}/wayferry`;

const ROOT = `${CACHE}/debian-sid`;

/** Where our executable stands in it. */
const EXECUTABLE = "/usr/local/bin/wayland-proxy-virtwl";

/**
 * What the tests need there. Inside, nothing is installed, so that a missing
 * program fails the test by its name.
 */
const PACKAGES = [
  ..."sway swaybg grim wtype weston xvfb xdotool kwin-wayland mutter wayfire"
    .split(" "),
  ..."foot alacritty mousepad gtk-4-examples featherpad qt6-wayland linguist-qt6"
    .split(" "),
  ..."qttools5-dev-tools qtwayland5 mpv evince firefox-esr chromium wl-clipboard bubblewrap"
    .split(" "),
  ..."fonts-dejavu-core adwaita-icon-theme libgl1-mesa-dri dbus dbus-daemon libglib2.0-bin procps"
    .split(" "),
];

/** The versions of these are the table's columns, and its caption. */
const VERSIONED = ["sway", "weston", "kwin-wayland", "mutter"] as const;

/** The tests that run inside. */
const TESTS = ["tests/applications/", "tests/applications/newer_hosts.ts"];

async function makeRoot(): Promise<void> {
  await requirePrograms([{ program: "mmdebstrap", package: "mmdebstrap" }]);
  await Deno.mkdir(CACHE, { recursive: true });
  const options = (await aptOptions()).flatMap((
    option,
  ) => ["--aptopt", option]);
  await runCommand([
    "mmdebstrap",
    "--variant=apt",
    "--skip=cleanup/apt",
    ...options,
    "sid",
    ROOT,
    configuredMirror(),
  ]);
}

/** How this machine's apt reaches and trusts its mirror. */
async function aptOptions(): Promise<string[]> {
  const { text } = await runCommand(["apt-config", "dump", "Acquire"]);
  return text.split("\n").filter((line) =>
    /^Acquire::(Check-|http|https)/.test(line) && !line.endsWith('"";')
  );
}

/**
 * A script for a mount namespace of its own, in which our project, Deno, /tmp
 * and this kernel's file systems appear in the root. It becomes the root of the
 * namespace rather than a chroot, where sandboxes could make no namespaces.
 */
function enter(command: string): string[] {
  const script = `set -e
mount --bind ${ROOT} ${ROOT}
cd ${ROOT}
for name in proc dev sys; do mount --rbind /$name $name; done
mount --bind /tmp tmp
mkdir -p .${PROJECT} && mount --bind ${PROJECT} .${PROJECT}
touch usr/local/bin/deno && mount --bind ${Deno.execPath()} usr/local/bin/deno
cp -L /etc/resolv.conf etc/resolv.conf
pivot_root . mnt
cd ${PROJECT}
exec env -i PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin HOME=/root WAYFERRY_EXECUTABLE=${EXECUTABLE} LANG=C.UTF-8 NO_COLOR=1 \\
  DEBIAN_FRONTEND=noninteractive sh -ec ${quote(command)}`;
  return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

async function main(): Promise<void> {
  if (Deno.uid() !== 0) {
    throw new Error("Cannot make a Debian sid root: only root can");
  }
  const known = await Deno.stat(`${ROOT}/etc/apt`).then(
    () => true,
    () => false,
  );
  if (!known) await makeRoot();
  await runCommand(
    enter(
      `apt-get -qq update\napt-get -qq -y install --no-install-recommends ${
        PACKAGES.join(" ")
      }`,
    ),
  );
  // A proxy that an interrupted run has left behind keeps its file.
  await Deno.remove(`${ROOT}${EXECUTABLE}`).catch(() => {});
  await Deno.copyFile(await requireExecutable(), `${ROOT}${EXECUTABLE}`);

  const results = await Deno.makeTempFile({
    dir: `${PROJECT}/dist`,
    prefix: "sid-",
    suffix: ".xml",
  });
  try {
    const filter = Deno.args.length === 0
      ? ""
      : `--filter ${quote(Deno.args.join(" "))} `;
    const tests = enter(
      `deno test -A --no-check --junit-path=${results} ${filter}${
        TESTS.join(" ")
      }`,
    );
    const [program = "", ...args] = tests;
    const status = await new Deno.Command(program, { args, stdin: "null" })
      .spawn().status;
    if (Deno.args.length === 0) {
      const query = "dpkg-query -W -f='${Package} ${Version}\\n' " +
        VERSIONED.join(" ");
      const versions = (await runCommand(enter(query))).text;
      await writeTable(
        "Debian sid",
        versions,
        parseJUnit(await Deno.readTextFile(results)),
      );
    }
    Deno.exitCode = status.code;
  } finally {
    await Deno.remove(results);
  }
}

if (import.meta.main) main();

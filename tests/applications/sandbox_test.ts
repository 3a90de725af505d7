/**
 * A program in a sandbox that reaches nothing of the session but the proxy's
 * socket.
 */
import { startSway } from "../support/sway.ts";
import { startWeston } from "../support/weston.ts";
import { testPrograms } from "./comparison.ts";
import type { Program } from "./program.ts";

/**
 * The script becomes bwrap, whose child sees the system's files, an empty home
 * and one socket.
 */
const SANDBOX = `exec bwrap --unshare-all --die-with-parent --clearenv \\
  --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 --symlink usr/bin /bin --ro-bind /etc /etc \\
  --proc /proc --dev /dev --tmpfs /tmp --dir /run/user --bind "$WAYLAND_DISPLAY" /run/user/wayland-0 \\
  --setenv PATH /usr/bin --setenv HOME /tmp --setenv LANG C.UTF-8 --setenv PS1 '$ ' \\
  --setenv XDG_RUNTIME_DIR /run/user --setenv WAYLAND_DISPLAY wayland-0 "$@"`;

const SANDBOXED_FOOT: Program = {
  name: "foot in a sandbox with only one socket",
  needs: [{ program: "foot", package: "foot" }, {
    program: "bwrap",
    package: "bubblewrap",
  }],
  argv: [
    "sh",
    "-c",
    SANDBOX,
    "sh",
    "foot",
    "--config=/dev/null",
    "--override=font=DejaVu Sans Mono:size=10",
    "sh",
  ],
  judgement: { pixels: "equal" },
  typed: "ls /run/user; id -u\n",
  // The shell is ended by SIGHUP, and foot reports that as its own status.
  closedStatus: 1,
};

testPrograms("sway", startSway, [SANDBOXED_FOOT]);
testPrograms("weston", startWeston, [SANDBOXED_FOOT]);

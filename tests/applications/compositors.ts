/** Compositors as clients, each with a terminal in it. */
import type { Program } from "./program.ts";

const EQUAL = { pixels: "equal" } as const;

const FOOT = { program: "foot", package: "foot" };

const TERMINAL =
  "foot --config=/dev/null --override=colors.background=101010 env PS1=$ ENV= sh";

export const SWAY: Program = {
  name: "a nested sway",
  needs: [{ program: "sway", package: "sway" }, FOOT],
  argv: ["sway", "-c", "nested.conf"],
  environment: {
    WLR_BACKENDS: "wayland",
    WLR_RENDERER: "pixman",
    WLR_LIBINPUT_NO_DEVICES: "1",
  },
  files: {
    "nested.conf": `output * {
  mode --custom 640x400
  background #602040 solid_color
}
default_border none
xwayland disable
exec ${TERMINAL}
`,
  },
  runsAsNobody: true,
  outlivesItsWindow: true,
  judgement: EQUAL,
  typed: "echo $((6*7)) lines\n",
};

export const WESTON: Program = {
  name: "a nested weston",
  needs: [{ program: "weston", package: "weston" }],
  argv: [
    "sh",
    "-c",
    'exec weston --backend=wayland-backend.so --use-pixman --width=640 --height=400 --config="$HOME/nested.ini"',
  ],
  files: {
    "nested.ini": `[core]
idle-time=0
[shell]
panel-position=none
locking=false
startup-animation=none
background-type=tile
background-color=0xff602040
[autolaunch]
path=/usr/bin/weston-terminal
`,
  },
  judgement: EQUAL,
  endsWhenMaximized: true,
  typed: "echo $((6*7)) lines\n",
};

export const WAYFIRE: Program = {
  name: "a nested Wayfire",
  needs: [{ program: "wayfire", package: "wayfire" }, FOOT],
  argv: ["wayfire", "-c", "nested.ini"],
  environment: { WLR_BACKENDS: "wayland", WLR_RENDERER: "pixman" },
  runsAsNobody: true,
  outlivesItsWindow: true,
  files: {
    "nested.ini": `[core]
plugins = autostart
[autostart]
autostart_wf_shell = false
terminal = ${TERMINAL}
`,
  },
  judgement: EQUAL,
  typed: "echo $((6*7)) lines\n",
};

/** The programs that every host shows: a terminal and one of each toolkit. */
import { isDebian12, QT5_WAYLAND, QT6_WAYLAND } from "../support/packages.ts";
import type { Program } from "./program.ts";

const EQUAL = { pixels: "equal" } as const;

/** A shell that neither reads settings nor shows where it is. */
const SHELL = ["env", "PS1=$ ", "ENV=", "sh"];

/** A program for where featherpad has left Qt 5. */
const QT5_LINGUIST: Program = {
  name: "a Qt 5 program (linguist)",
  needs: [{
    program: "/usr/lib/qt5/bin/linguist",
    package: "qttools5-dev-tools",
  }, QT5_WAYLAND],
  argv: ["/usr/lib/qt5/bin/linguist"],
  // Qt 5 counts a window as inactive once its menu has the keyboard, but paints
  // that into its own title bar only together with something else. linguist's
  // last painting and the loss of the keyboard race, so that direct runs differ
  // too.
  environment: { QT_WAYLAND_DISABLE_WINDOWDECORATION: "1" },
  judgement: EQUAL,
  menu: { sway: { x: 15, y: 10 }, weston: { x: 15, y: 10 } },
};

export const PROGRAMS: readonly Program[] = [
  {
    name: "foot",
    needs: [{ program: "foot", package: "foot" }],
    argv: [
      "foot",
      "--config=/dev/null",
      "--override=font=DejaVu Sans Mono:size=10",
      ...SHELL,
    ],
    judgement: EQUAL,
    typed: "echo $((6*7)) lines\n",
    // The shell is ended by SIGHUP, and foot reports that as its own status.
    closedStatus: 1,
  },
  {
    name: "a GTK 3 text editor (mousepad)",
    needs: [{ program: "mousepad", package: "mousepad" }],
    argv: ["mousepad", "notes.txt"],
    judgement: EQUAL,
    typed: "the quick brown fox",
    menu: { sway: { x: 20, y: 12 }, weston: { x: 30, y: 60 } },
    asksOnClose: "Return",
  },
  {
    name: "a GTK 4 text editor (gtk4-demo-application)",
    needs: [{ program: "gtk4-demo-application", package: "gtk-4-examples" }],
    argv: ["gtk4-demo-application"],
    judgement: EQUAL,
    beforeTyping: ["Tab", "Tab", "Tab", "Tab"],
    typed: "brown fox",
    menu: { sway: { x: 30, y: 12 }, weston: { x: 30, y: 60 } },
  },
  {
    name: `a Qt ${isDebian12() ? 5 : 6} text editor (featherpad)`,
    needs: [
      { program: "featherpad", package: "featherpad" },
      isDebian12() ? QT5_WAYLAND : QT6_WAYLAND,
    ],
    // It tells root for ten seconds who that is. The kernel goes on treating it
    // as us.
    argv:
      "unshare --user --map-user=1000 --map-group=1000 featherpad --standalone notes.txt"
        .split(" "),
    // Of a file that does not exist it tells for ten seconds.
    files: { "notes.txt": "" },
    judgement: EQUAL,
    typed: "the quick brown fox",
    menu: { sway: { x: 15, y: 10 }, weston: { x: 20, y: 38 } },
    beforeClose: ["ctrl+s"],
  },
  {
    name: "a Qt 6 program (linguist)",
    needs: [
      { program: "/usr/lib/qt6/bin/linguist", package: "linguist-qt6" },
      QT6_WAYLAND,
    ],
    argv: ["/usr/lib/qt6/bin/linguist"],
    judgement: EQUAL,
    menu: { sway: { x: 15, y: 10 }, weston: { x: 20, y: 38 } },
  },
  ...(isDebian12() ? [] : [QT5_LINGUIST]),
];

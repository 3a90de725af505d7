/** weston's own clients. */
import { SOFTWARE_GL } from "../support/packages.ts";
import type { Program } from "./program.ts";

const EQUAL = { pixels: "equal" } as const;

const ANIMATED = { pixels: "alike", reason: "it is an animation" } as const;

const NOT_ON_SWAY = {
  host: "weston",
  reason: 'sway 1.7 keeps both of its buffers: "Both buffers busy at redraw()"',
} as const;

/** A client that is started by its name and needs nothing else. */
function client(
  name: string,
  traits: Omit<Program, "name" | "needs" | "argv">,
): Program {
  return {
    name,
    needs: [{ program: name, package: "weston" }, SOFTWARE_GL],
    argv: [name],
    ...traits,
  };
}

export const WESTON_CLIENTS: readonly Program[] = [
  {
    name: "weston-terminal",
    needs: [{ program: "weston-terminal", package: "weston" }],
    argv: ["weston-terminal", "--font=DejaVu Sans Mono", "--shell=/bin/sh"],
    judgement: EQUAL,
    typed: "echo $((6*7)) lines\n",
  },
  client("weston-eventdemo", { judgement: EQUAL }),
  client("weston-clickdot", { judgement: EQUAL }),
  client("weston-resizor", { judgement: EQUAL }),
  client("weston-transformed", { judgement: EQUAL, endsWhenMaximized: true }),
  client("weston-editor", {
    judgement: EQUAL,
    onlyOn: {
      host: "weston",
      reason: "it needs the first text input protocol, which sway has not",
    },
  }),
  client("weston-dnd", {
    judgement: { pixels: "alike", reason: "its flowers are random" },
  }),
  client("weston-flower", {
    judgement: {
      pixels: "alike",
      reason: "its petals are random",
      sizeVaries: true,
    },
    endsWhenMaximized: true,
  }),
  client("weston-smoke", { judgement: ANIMATED, endsWhenMaximized: true }),
  client("weston-simple-egl", { judgement: ANIMATED }),
  client("weston-subsurfaces", { judgement: ANIMATED }),
  client("weston-simple-shm", {
    endsWhenMaximized: true,
    judgement: ANIMATED,
    onlyOn: NOT_ON_SWAY,
  }),
  client("weston-simple-damage", {
    endsWhenMaximized: true,
    judgement: ANIMATED,
    onlyOn: NOT_ON_SWAY,
  }),
  client("weston-presentation-shm", {
    judgement: ANIMATED,
    endsWhenMaximized: true,
  }),
];

/** weston's own clients. */
import { SOFTWARE_GL } from "../support/packages.ts";
import type { Judgement, Program } from "./program.ts";

const EQUAL = { pixels: "equal" } as const;

const ANIMATED = { pixels: "alike", reason: "it is an animation" } as const;

const ONLY_ON_WESTON: Partial<Program> = {
  endsWhenMaximized: true,
  onlyOn: {
    host: "weston",
    reason:
      'sway 1.7 keeps both of its buffers: "Both buffers busy at redraw()"',
  },
};

/** A client that is started by its name and needs nothing else. */
function client(
  name: string,
  judgement: Judgement,
  traits: Partial<Program> = {},
): Program {
  return {
    name,
    needs: [{ program: name, package: "weston" }, SOFTWARE_GL],
    argv: [name],
    judgement,
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
  client("weston-eventdemo", EQUAL),
  client("weston-clickdot", EQUAL),
  client("weston-resizor", EQUAL),
  client("weston-transformed", EQUAL, { endsWhenMaximized: true }),
  client("weston-editor", EQUAL, {
    onlyOn: {
      host: "weston",
      reason: "it needs the first text input protocol, which sway has not",
    },
  }),
  client("weston-dnd", { pixels: "alike", reason: "its flowers are random" }),
  client("weston-flower", {
    pixels: "alike",
    reason: "its petals are random",
    sizeVaries: true,
  }, { endsWhenMaximized: true }),
  client("weston-smoke", ANIMATED, { endsWhenMaximized: true }),
  client("weston-simple-egl", ANIMATED),
  client("weston-subsurfaces", ANIMATED),
  client("weston-simple-shm", ANIMATED, ONLY_ON_WESTON),
  client("weston-simple-damage", ANIMATED, ONLY_ON_WESTON),
  client("weston-presentation-shm", ANIMATED, { endsWhenMaximized: true }),
];

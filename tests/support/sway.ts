/**
 * sway with one headless output, as a host for applications.
 *
 * sway 1.7 refuses to run as root, so root starts it as `nobody`; its sockets
 * stay open to root. All windows float, without borders, at the size that they
 * ask for.
 */
import {
  BACKGROUND,
  BACKGROUND_HEX,
  type CompositorParts,
  HostCompositor,
  SCREEN,
  startCompositorProcess,
} from "./host.ts";
import { type Image, parsePpm, type Rectangle } from "./image.ts";
import { asUnprivilegedUser, unprivilegedUser } from "./nobody.ts";
import { requirePrograms } from "./packages.ts";
import { runCommand } from "./process.ts";
import { makeScratch } from "./scratch.ts";
import { VirtualInput } from "./virtual_input.ts";
import { isListening } from "./listening.ts";
import { eventually, whenReady } from "./wait.ts";

const CONFIGURATION = `output * {
  resolution ${SCREEN.width}x${SCREEN.height}
  background #${BACKGROUND_HEX} solid_color
}
default_border none
default_floating_border none
floating_maximum_size -1 x -1
focus_follows_mouse no
mouse_warping none
focus_on_window_activation focus
for_window [title=".*"] floating enable
xwayland disable
`;

/** A window as sway's tree shows it. */
export interface SwayWindow {
  readonly id: number;
  readonly title: string;
  readonly appId: string | null;
  readonly pid: number;
  readonly area: Rectangle;
}

export class Sway extends HostCompositor {
  override readonly name = "sway";
  readonly #ipcSocket: string;

  constructor(parts: CompositorParts, input: VirtualInput, ipcSocket: string) {
    super(parts, input);
    this.#ipcSocket = ipcSocket;
  }

  override async screenshot(): Promise<Image> {
    return parsePpm((await this.#tool(["grim", "-t", "ppm", "-"])).stdout);
  }

  /** Every window that is mapped, in the order of the tree. */
  async windows(): Promise<SwayWindow[]> {
    return collectWindows(JSON.parse((await this.command("get_tree")).text));
  }

  override async windowArea(): Promise<Rectangle | undefined> {
    return (await this.windows())[0]?.area;
  }

  override async resizeWindow(): Promise<void> {
    const [window] = await this.windows();
    if (window === undefined) {
      throw new Error("Cannot resize a window: there is none");
    }
    await this.run(`[con_id=${window.id}] resize set 720 540`);
  }

  override async closeWindow(): Promise<void> {
    const windows = await this.windows();
    for (const window of windows) await this.run(`[con_id=${window.id}] kill`);
  }

  /** Runs a command of sway's configuration language. */
  async run(command: string): Promise<void> {
    await this.command("command", command);
  }

  /** Sends a message of the given type with `swaymsg`. */
  command(
    type: string,
    ...words: readonly string[]
  ): ReturnType<typeof runCommand> {
    return runCommand([
      "swaymsg",
      "-s",
      this.#ipcSocket,
      "-r",
      "-t",
      type,
      "--",
      ...words,
    ]);
  }

  #tool(argv: readonly string[]): ReturnType<typeof runCommand> {
    return runCommand(argv, { WAYLAND_DISPLAY: this.waylandDisplay });
  }
}

/** Starts sway and gives it a keyboard and a pointer. */
export async function startSway(): Promise<Sway> {
  await requirePrograms([
    { program: "sway", package: "sway" },
    { program: "swaybg", package: "swaybg" },
    { program: "grim", package: "grim" },
    { program: "setpriv", package: "util-linux" },
  ]);
  await using resources = new AsyncDisposableStack();
  const runtime = resources.use(makeScratch("sway", unprivilegedUser())).path;
  const logs = resources.use(makeScratch("sway-log")).path;
  Deno.writeTextFileSync(`${runtime}/config`, CONFIGURATION);
  Deno.chmodSync(`${runtime}/config`, 0o644);
  const process = resources.use(
    startCompositorProcess(
      asUnprivilegedUser(["sway", "-c", `${runtime}/config`]),
      runtime,
      `${logs}/sway.log`,
      {
        WLR_BACKENDS: "headless",
        WLR_RENDERER: "pixman",
        WLR_LIBINPUT_NO_DEVICES: "1",
      },
    ),
  );
  const sockets = await eventually("sway opens its sockets", 15_000, () => {
    process.requireRunning();
    const names = [...Deno.readDirSync(runtime)].map((entry) => entry.name);
    const wayland = names.find((name) => /^wayland-\d+$/.test(name));
    const ipc = names.find((name) => /^sway-ipc.*\.sock$/.test(name));
    const found = {
      wayland: `${runtime}/${wayland}`,
      ipc: `${runtime}/${ipc}`,
    };
    return isListening(found.wayland) && isListening(found.ipc)
      ? found
      : undefined;
  });
  const input = resources.use(
    await VirtualInput.open(sockets.wayland, SCREEN),
  );
  const parts = {
    socket: sockets.wayland,
    process,
    resources: resources.move(),
  };
  const sway = new Sway(parts, input, sockets.ipc);
  return await whenReady(sway, async () => {
    await sway.parkPointer();
    await eventually(
      "sway shows its background and has a keyboard",
      15_000,
      async () => {
        const [red, green, blue] = (await sway.screenshot()).pixels;
        const seats = (await sway.command("get_seats")).text;
        return red === BACKGROUND[0] && green === BACKGROUND[1] &&
            blue === BACKGROUND[2] && seats.includes("keyboard")
          ? true
          : undefined;
      },
    );
  });
}

/** A node of sway's tree, as far as it is read here. */
interface TreeNode {
  readonly id: number;
  readonly type: string;
  readonly name: string | null;
  readonly "app_id"?: string | null;
  readonly pid?: number;
  readonly rect: Rectangle;
  readonly nodes: readonly TreeNode[];
  readonly "floating_nodes": readonly TreeNode[];
}

function collectWindows(node: TreeNode): SwayWindow[] {
  const children = [...node.nodes, ...node.floating_nodes].flatMap(
    collectWindows,
  );
  if (node.pid === undefined) return children;
  const { id, name, app_id: appId = null, pid, rect } = node;
  return [{ id, title: name ?? "", appId, pid, area: rect }, ...children];
}

/** `wayferry doctor` on emulated machines, and on such as are made up. */
import assert from "node:assert/strict";
import { connectUnix } from "../../ffi/unix_socket.ts";
import { MAX_CLIENTS } from "../../src/host/virtgpu/host.ts";
import { Faults } from "../emulator/faults.ts";
import {
  crosvmWithMinigbm,
  hostProfile,
  rutabagas,
} from "../emulator/host_profile.ts";
import { usualGlobals } from "../support/relay_world.ts";
import { makeScratch } from "../support/scratch.ts";
import { startSway } from "../support/sway.ts";
import {
  assertPrinted,
  assertUsable,
  ExaminedMachine,
  noDevice,
} from "./support/examined_machine.ts";

for (const rutabaga of rutabagas) {
  Deno.test(`on a machine whose host is rutabaga ${rutabaga} applications run over virtio-gpu`, () => {
    using world = new ExaminedMachine();
    const profile = hostProfile(rutabaga, "stock");
    const report = world.examine(world.emulate({ profile }));
    assertUsable(report);
    assertPrinted(report, [
      "ok       kernel: Linux 6.1.0-56-amd64",
      "ok       node: /dev/dri/renderD128 (emulated), driver virtio_gpu ",
      "ok       HOST_VISIBLE: the device has a window of host-visible memory",
      "ok       capability set: cross-domain (5), version 1",
      "ok       channel: Wayland",
      `ok       dialect: ${profile.identifiers} identifiers per message${
        profile.identifiers === 4
          ? ", as on hosts from before February 2024"
          : "\n"
      }`,
      "ok       compositor: the host answered within",
      "ok       xdg_wm_base: version 5",
      "ok       host memory: can be allocated and written",
      "ok       window: the compositor showed a small test window",
      "wayferry proxy --virtio-gpu -- COMMAND",
    ]);
  });
}

Deno.test("without a device applications run on this machine's compositor", () => {
  using world = new ExaminedMachine();
  world.offerLocally(usualGlobals);
  const report = world.examine(noDevice);
  assert.deepEqual(report.missing, []);
  assert.equal(report.verdict, "on this machine's compositor");
  assert.match(report.text, /note +node: this machine has no virtio-gpu/);
  assert.match(report.text, /ok +wl_seat: version 8/);
});

Deno.test("where the device is usable, the compositor of this machine is not asked", () => {
  using world = new ExaminedMachine();
  world.offerLocally(usualGlobals);
  const report = world.examine(world.emulate({}, "silent"));
  assert.deepEqual(report.missing, ["compositor"]);
  assert.equal(report.verdict, "not at all");
  assert.match(
    report.text,
    /the host did not answer within 0\.3 s; check that the compositor runs there and that the VMM/,
  );
});

Deno.test("a compositor that has no shell is not enough", () => {
  using world = new ExaminedMachine();
  world.offerLocally(
    usualGlobals.filter(([, name]) => name !== "xdg_wm_base"),
  );
  const report = world.examine(noDevice);
  assert.deepEqual(report.missing, ["node", "xdg_wm_base"]);
  assert.equal(report.verdict, "not at all");
});

Deno.test("globals are told by what becomes of them", () => {
  using world = new ExaminedMachine();
  const report = world.examine(world.emulate({}, [
    ...usualGlobals,
    [7, "wp_viewporter", 1],
    [8, "zwp_linux_dmabuf_v1", 4],
    [9, "zwlr_layer_shell_v1", 3],
    [10, "acme_toaster_v1", 1],
  ]));
  assertPrinted(report, [
    "note     also offered: wp_viewporter 1\n",
    "note     kept from applications, unless --allow names it: zwlr_layer_shell_v1\n",
    "note     cannot cross the boundary: zwp_linux_dmabuf_v1\n",
    "note     unknown to this version, and kept from applications: acme_toaster_v1\n",
  ]);
});

for (
  const [modifier, taken] of [[0, true], [1, false]] as const
) {
  Deno.test(`where the host's memory is dma-bufs a window is ${taken ? "shown" : "not shown"} that the compositor ${taken ? "takes" : "does not take"}`, () => {
    using world = new ExaminedMachine();
    const dmabuf = [7, "zwp_linux_dmabuf_v1", 4] as const;
    const report = world.examine(world.emulate({
      profile: crosvmWithMinigbm,
      connect: () => world.compositor([...usualGlobals, dmabuf], modifier),
    }));
    assertPrinted(report, [
      "note     memory: the host allocates dma-bufs, so its compositor must accept dma-bufs\n",
      "ok       images: the compositor shows them through zwp_linux_dmabuf_v1 4\n",
      "ok       host memory: can be allocated and written\n",
      taken
        ? "ok       window: the compositor showed a small test window\n"
        : "MISSING  window: the compositor did not take a small test window: the host only offers dma-buf memory, and its compositor takes no linear dma-bufs\n",
    ]);
  });
}

for (
  const [answers, words] of [
    [
      true,
      /ok +guest memory: the host takes an application's sealed memory without a copy/,
    ],
    [
      false,
      /note +guest memory: .* but the host does not take it, so the proxy copies it; check that this user may open \/dev\/udmabuf/,
    ],
  ] as const
) {
  Deno.test(`memory that the kernel offers to the host is ${answers ? "taken" : "not taken"}, and that is told`, () => {
    using world = new ExaminedMachine();
    const report = world.examine(world.emulate({
      guestHandles: "taken",
      connect: () => world.compositor(usualGlobals, 0, answers ? [6] : []),
    }));
    assert.match(report.text, words);
    assert.equal(report.verdict, "over virtio-gpu");
  });
}

Deno.test("a compositor that may refuse the host's memory is told", () => {
  using world = new ExaminedMachine();
  const devices = world.emulate({ profile: crosvmWithMinigbm });
  assert.match(
    world.examine(devices).text,
    /note +images: .* has no zwp_linux_dmabuf_v1 version 3; the proxy offers the memory as wl_shm/,
  );
});

Deno.test("a host that gives no memory is told, and no window is tried", () => {
  using world = new ExaminedMachine();
  const faults = new Faults();
  faults.windowBytes = 0;
  const report = world.examine(world.emulate({ faults }));
  assert.deepEqual(report.missing, ["host memory"]);
  assert.equal(world.connections, 1);
});

Deno.test("a device that has all the connections that it bears is told", () => {
  using world = new ExaminedMachine();
  const devices = world.emulate();
  using others = new DisposableStack();
  for (let place = 0; place < MAX_CLIENTS; place++) {
    others.use(devices.open("")).takePlace(place);
  }
  const report = world.examine(devices);
  assert.deepEqual(report.missing, ["connection"]);
  assert.match(
    report.text,
    /connection: .*renderD128.* already has 40 connections.* close an application/,
  );
});

for (
  const [environment, words] of [
    [{}, /wayland-0".*; WAYLAND_DISPLAY is not set: start a compositor/],
    [
      { WAYLAND_DISPLAY: "other" },
      /other".*; start a compositor, or set WAYLAND_DISPLAY to its socket\n/,
    ],
    [
      { WAYLAND_SOCKET: "word" },
      /compositor: Cannot use WAYLAND_SOCKET: "word" is not a file descriptor\n/,
    ],
  ] as const
) {
  Deno.test(`without a compositor here (${Object.entries(environment).join() || "nothing is set"}) it is told what to do`, () => {
    using world = new ExaminedMachine();
    for (const [name, value] of Object.entries(environment)) {
      world.environment.set(name, value);
    }
    assert.match(world.examine(noDevice).text, words);
  });
}

Deno.test("a compositor of this machine that does not answer is no matter of a VMM", () => {
  using world = new ExaminedMachine();
  world.offerLocally("silent");
  const report = world.examine(noDevice);
  assert.match(
    report.text,
    /MISSING +compositor: the inherited WAYLAND_SOCKET did not answer within 0\.3 s; check that a compositor is at/,
  );
  assert.doesNotMatch(report.text, /VMM/);
});

for (
  const [directory, words] of [
    ["/nowhere/at/all", /\/nowhere\/at\/all does not exist; set it to/],
    ["run", /run is not an absolute path; set it to a directory/],
    ["/dev/null", /cannot create a socket in \/dev\/null: /],
  ] as const
) {
  Deno.test(`XDG_RUNTIME_DIR is told to be of no use where it is ${directory}`, () => {
    using world = new ExaminedMachine();
    world.environment.set("XDG_RUNTIME_DIR", directory);
    const report = world.examine(noDevice);
    assert.ok(report.missing.includes("XDG_RUNTIME_DIR"));
    assert.match(report.text, words);
  });
}

Deno.test("Xwayland is told where it is, which alone makes it no condition", () => {
  using world = new ExaminedMachine();
  using scratch = makeScratch("path");
  const [empty, folder] = ["empty", "programs"].map((name) => {
    const path = `${scratch.path}/${name}`;
    Deno.mkdirSync(path);
    return path;
  });
  const devices = world.emulate();
  const absent = "note     Xwayland: not on the PATH; only X11 applications";
  const program = `${folder}/Xwayland`;
  const assertTold = (line: string): void => {
    const report = world.examine(devices);
    assert.ok(report.text.includes(line), report.text);
    assert.equal(report.verdict, "over virtio-gpu");
  };
  assertTold(absent);
  world.environment.set("PATH", `${empty}::${folder}`);
  assertTold(absent);
  Deno.mkdirSync(`${empty}/Xwayland`);
  assertTold(absent);
  Deno.writeTextFileSync(program, "");
  assertTold(absent);
  Deno.chmodSync(program, 0o755);
  assertTold(`note     Xwayland: ${program}; only X11 applications need it`);
});

Deno.test("without a place for sockets no application would run", () => {
  using world = new ExaminedMachine();
  world.offerLocally(usualGlobals);
  world.environment.delete("XDG_RUNTIME_DIR");
  const { missing } = world.examine(noDevice);
  assert.deepEqual(missing, ["XDG_RUNTIME_DIR", "node"]);
});

Deno.test("a window is shown on a real compositor, and gone afterwards", async () => {
  await using sway = await startSway();
  using world = new ExaminedMachine();
  const devices = world.emulate({
    connect: () => connectUnix(sway.waylandDisplay),
  });
  const report = world.examine(devices);
  assert.deepEqual(report.missing, []);
  assert.match(
    report.text,
    /ok +window: the compositor showed a small test window/,
  );
  assert.equal(await sway.windowArea(), undefined);
});

// What is measured on the device, and how each frame looks.

/**
 * One frame after another, each waited for; null in `picture`: no frame, but
 * `wl_display.sync`.
 */
export interface DeviceWorkload {
  /** As programs/client.c calls it. */
  readonly name: string;
  readonly title: string;
  readonly picture: { readonly width: number; readonly height: number } | null;
  /**
   * What is drawn and damaged: nothing of it and all of it, all of it, or a
   * square of 100×100 pixels.
   */
  readonly drawing: "none" | "whole" | "square";
  /** Buffers that are used in turn. */
  readonly buffers: 1 | 2;
  /** The workload whose frames are of the same size, and whole. */
  readonly whole?: string;
}

const full = { width: 1920, height: 1080 } as const;
const huge = { width: 3840, height: 2160 } as const;

export const deviceWorkloads: readonly DeviceWorkload[] = [
  {
    name: "sync",
    title: "sync",
    picture: null,
    drawing: "none",
    buffers: 1,
  },
  {
    name: "frames",
    title: "64×64, whole",
    picture: { width: 64, height: 64 },
    drawing: "none",
    buffers: 2,
  },
  {
    name: "full-frames",
    title: "1920×1080, whole",
    picture: full,
    drawing: "whole",
    buffers: 2,
  },
  {
    name: "changes-in-one",
    title: "1920×1080, 100×100 in one buffer",
    picture: full,
    drawing: "square",
    buffers: 1,
    whole: "full-frames",
  },
  {
    name: "changes-in-two",
    title: "1920×1080, 100×100, two buffers in turn",
    picture: full,
    drawing: "square",
    buffers: 2,
    whole: "full-frames",
  },
  {
    name: "kept-changes",
    title: "the same, the host keeps what it shows",
    picture: full,
    drawing: "square",
    buffers: 2,
    whole: "full-frames",
  },
  {
    name: "huge-frames",
    title: "3840×2160, whole",
    picture: huge,
    drawing: "whole",
    buffers: 2,
  },
  {
    name: "huge-changes",
    title: "3840×2160, 100×100, two buffers in turn",
    picture: huge,
    drawing: "square",
    buffers: 2,
    whole: "huge-frames",
  },
];

/** The workload of that name. */
export function findDeviceWorkload(name: string): DeviceWorkload {
  const found = deviceWorkloads.find((workload) => workload.name === name);
  if (found === undefined) throw new Error(`There is no workload "${name}"`);
  return found;
}

/**
 * Keeps a record of each surface, which the features share.
 *
 * It has the state that the next commit will apply. Sources: wayland.xml
 * (wl_surface), viewporter.xml.
 */
import { shadowsMemory } from "../../../host/endpoint.ts";
import type { Entry } from "../../entry.ts";
import type { Feature } from "../../feature.ts";
import { Region } from "./region.ts";

/** Units of the wire's fixed-point numbers in 1. */
const FIXED = 256;
/**
 * Surfaces are not nested deeper; and where a client makes them their own
 * ancestors, the host is the one to refuse.
 */
const MAX_ANCESTORS = 16;

/**
 * A surface, as its next commit will have it. The last feature that handles a
 * commit calls `committed`.
 */
export class Surface {
  readonly entry: Entry;
  /** Whether something, or nothing, was attached since the last commit. */
  isAttached = false;
  /** What was attached since the last commit. */
  buffer: Entry | null = null;
  /** Where the corner of the new buffer is, relative to the old one. */
  offsetX = 0;
  offsetY = 0;
  /** Damage in the surface's coordinates since the last commit. */
  readonly surfaceDamage = new Region();
  /** Damage in the buffer's coordinates since the last commit. */
  readonly bufferDamage = new Region();
  /**
   * Whether the buffer lies on the surface otherwise than at the last commit.
   * Damage is what changed on the surface, so every pixel of the buffer may
   * have.
   */
  isViewChanged = false;
  /**
   * Whether the client has asked for anything that its next commit applies; see
   * pending_state.ts.
   */
  hasPendingState = false;
  /** The surface that this one is a part of, as long as anybody knows. */
  parent: Surface | null = null;
  /**
   * Whether, as a part, it is shown with its parent's commit rather than with
   * its own.
   */
  isSynchronised = true;
  /** Pixels of the buffer for one of the surface. */
  scale = 1;
  /** A `wl_output.transform`: how the buffer's contents were turned. */
  transform = 0;
  /**
   * The part of the surface that is shown, before it is scaled to its
   * destination; the whole where `sourceWidth` is negative.
   */
  sourceX = 0;
  sourceY = 0;
  sourceWidth = -1;
  sourceHeight = -1;
  /** The size that this part is scaled to; its own where negative. */
  destinationWidth = -1;
  destinationHeight = -1;

  constructor(entry: Entry) {
    this.entry = entry;
  }

  /** Forgets what a commit has applied. */
  committed(): void {
    this.isAttached = false;
    this.buffer = null;
    this.offsetX = this.offsetY = 0;
    this.surfaceDamage.clear();
    this.bufferDamage.clear();
    this.isViewChanged = false;
    this.hasPendingState = false;
    this.#tellAncestors(MAX_ANCESTORS);
  }

  setScale(scale: number): void {
    this.#view(this.scale !== scale);
    this.scale = scale;
  }

  setTransform(transform: number): void {
    this.#view(this.transform !== transform);
    this.transform = transform;
  }

  /** Sets the part that is shown; the whole where `width` is negative. */
  setSource(x: number, y: number, width: number, height: number): void {
    this.#view(this.sourceX !== x || this.sourceY !== y);
    this.#view(this.sourceWidth !== width || this.sourceHeight !== height);
    this.sourceX = x;
    this.sourceY = y;
    this.sourceWidth = width;
    this.sourceHeight = height;
  }

  /** Sets the size that it is scaled to; its own where negative. */
  setDestination(width: number, height: number): void {
    this.#view(this.destinationWidth !== width);
    this.#view(this.destinationHeight !== height);
    this.destinationWidth = width;
    this.destinationHeight = height;
  }

  /**
   * What is applied here, and above, waits there where it is a synchronised
   * part.
   */
  #tellAncestors(generations: number): void {
    const { parent } = this;
    if (parent === null || generations === 0) return;
    if (this.isSynchronised) parent.hasPendingState = true;
    parent.#tellAncestors(generations - 1);
  }

  #view(isChanged: boolean): void {
    this.isViewChanged = this.isViewChanged || isChanged;
  }
}

/**
 * The record of a `wl_surface`, or of what was made for one, such as its
 * viewport.
 */
export function surfaceOf(entry: Entry): Surface | null {
  return entry.record instanceof Surface ? entry.record : null;
}

/** Keeps the records. It decides nothing. */
export const surfaces: Feature<null> = {
  name: "surfaces",
  appliesTo: shadowsMemory,
  open: () => null,
  requests: {
    "wl_compositor.create_surface": (_state, compositor, { id }) => {
      // A surface that the host does not know is never shown.
      if (compositor.hostId !== 0) id.record = new Surface(id);
      return "forward";
    },
    "wl_surface.attach": (_state, entry, { buffer, x, y }) => {
      const surface = surfaceOf(entry);
      if (surface === null) return "forward";
      surface.isAttached = true;
      surface.buffer = buffer;
      surface.offsetX = x;
      surface.offsetY = y;
      return "forward";
    },
    "wl_surface.damage": (_state, entry, { x, y, width, height }) => {
      surfaceOf(entry)?.surfaceDamage.add(x, y, x + width, y + height);
      return "forward";
    },
    "wl_surface.damage_buffer": (_state, entry, { x, y, width, height }) => {
      surfaceOf(entry)?.bufferDamage.add(x, y, x + width, y + height);
      return "forward";
    },
    "wl_surface.set_buffer_scale": (_state, entry, { scale }) => {
      if (scale > 0) surfaceOf(entry)?.setScale(scale);
      return "forward";
    },
    "wl_surface.set_buffer_transform": (_state, entry, { transform }) => {
      surfaceOf(entry)?.setTransform(transform & 7);
      return "forward";
    },
    "wp_viewporter.get_viewport": (_state, _viewporter, { id, surface }) => {
      id.record = surface.record;
      return "forward";
    },
    "wp_viewport.set_source": (_state, viewport, { x, y, width, height }) => {
      surfaceOf(viewport)?.setSource(
        x / FIXED,
        y / FIXED,
        width / FIXED,
        height / FIXED,
      );
      return "forward";
    },
    "wp_viewport.set_destination": (_state, viewport, { width, height }) => {
      surfaceOf(viewport)?.setDestination(width, height);
      return "forward";
    },
    "wp_viewport.destroy": (_state, viewport) => {
      const surface = surfaceOf(viewport);
      surface?.setSource(0, 0, -1, -1);
      surface?.setDestination(-1, -1);
      return "forward";
    },
  },
  events: {},
};

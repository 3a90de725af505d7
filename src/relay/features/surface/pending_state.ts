/**
 * Notes which surfaces have state that waits for their client's next commit, so
 * that nobody else commits half of it.
 *
 * A synchronised child's commit counts for its parent, with whose it is shown.
 * What only hints at how a surface is shown, such as its content's type, is not
 * looked at: it does no harm a commit too early. Sources: wayland.xml
 * (wl_surface.commit, wl_subsurface), xdg-shell.xml, viewporter.xml,
 * presentation-time.xml, fifo-v1.xml, commit-timing-v1.xml,
 * wlr-layer-shell-unstable-v1.xml.
 */
import { shadowsMemory } from "../../../host/endpoint.ts";
import type { Entry } from "../../entry.ts";
import type { Feature, Verdict } from "../../feature.ts";
import { surfaceOf } from "./surface.ts";

/** For requests of a surface, and of what was made for one. */
function mark(_state: null, entry: Entry): Verdict {
  const surface = surfaceOf(entry);
  if (surface !== null) surface.hasPendingState = true;
  return "forward";
}

/** For requests that make something for a surface. */
function link(
  _state: null,
  _maker: Entry,
  { id, surface }: { readonly id: Entry; readonly surface: Entry },
): Verdict {
  id.record = surface.record;
  return "forward";
}

/** For requests that make something for what was made for a surface. */
function pass(
  _state: null,
  maker: Entry,
  { id }: { readonly id: Entry },
): Verdict {
  id.record = maker.record;
  return mark(null, maker);
}

/** For requests about a child's place, which is its parent's state. */
function markParent(_state: null, entry: Entry): Verdict {
  const parent = surfaceOf(entry)?.parent ?? null;
  if (parent !== null) parent.hasPendingState = true;
  return "forward";
}

/**
 * For requests that end a child, or make it a surface of its own. What is kept
 * of a parent must not grow with its ancestors that are gone.
 */
function part(_state: null, entry: Entry): Verdict {
  const surface = surfaceOf(entry);
  if (surface !== null) surface.parent = null;
  return "forward";
}

function synchronise(subsurface: Entry, isSynchronised: boolean): Verdict {
  const child = surfaceOf(subsurface);
  if (child !== null) child.isSynchronised = isSynchronised;
  return "forward";
}

/**
 * The feature. It decides nothing, and stands in front of those that decide.
 */
export const pendingState: Feature<null> = {
  name: "pending state",
  appliesTo: shadowsMemory,
  open: () => null,
  requests: {
    "wl_surface.attach": mark,
    "wl_surface.damage": mark,
    "wl_surface.damage_buffer": mark,
    "wl_surface.destroy": part,
    "wl_surface.frame": mark,
    "wl_surface.get_release": mark,
    "wl_surface.offset": mark,
    "wl_surface.set_buffer_scale": mark,
    "wl_surface.set_buffer_transform": mark,
    "wl_surface.set_input_region": mark,
    "wl_surface.set_opaque_region": mark,
    "wl_subcompositor.get_subsurface": (
      state,
      _subcompositor,
      { id, surface, parent },
    ) => {
      const child = surfaceOf(surface);
      if (child !== null) {
        child.parent = surfaceOf(parent);
        child.isSynchronised = true;
      }
      id.record = child;
      return mark(state, parent);
    },
    "wl_subsurface.destroy": part,
    "wl_subsurface.place_above": markParent,
    "wl_subsurface.place_below": markParent,
    "wl_subsurface.set_desync": (_state, subsurface) =>
      synchronise(subsurface, false),
    "wl_subsurface.set_position": markParent,
    "wl_subsurface.set_sync": (_state, subsurface) =>
      synchronise(subsurface, true),
    "xdg_wm_base.get_xdg_surface": link,
    "xdg_surface.get_toplevel": pass,
    "xdg_surface.get_popup": pass,
    "xdg_surface.ack_configure": mark,
    "xdg_surface.set_window_geometry": mark,
    "xdg_toplevel.set_max_size": mark,
    "xdg_toplevel.set_min_size": mark,
    "zwlr_layer_shell_v1.get_layer_surface": link,
    "zwlr_layer_surface_v1.ack_configure": mark,
    "zwlr_layer_surface_v1.set_anchor": mark,
    "zwlr_layer_surface_v1.set_exclusive_edge": mark,
    "zwlr_layer_surface_v1.set_exclusive_zone": mark,
    "zwlr_layer_surface_v1.set_keyboard_interactivity": mark,
    "zwlr_layer_surface_v1.set_layer": mark,
    "zwlr_layer_surface_v1.set_margin": mark,
    "zwlr_layer_surface_v1.set_size": mark,
    "wp_viewport.destroy": mark,
    "wp_viewport.set_destination": mark,
    "wp_viewport.set_source": mark,
    "wp_presentation.feedback": (state, _presentation, { surface }) =>
      mark(state, surface),
    "wp_fifo_manager_v1.get_fifo": link,
    "wp_fifo_v1.set_barrier": mark,
    "wp_fifo_v1.wait_barrier": mark,
    "wp_commit_timing_manager_v1.get_timer": link,
    "wp_commit_timer_v1.set_timestamp": mark,
  },
  events: {},
};

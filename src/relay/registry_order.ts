/**
 * The order in which a registry tells its globals.
 *
 * GTK 3 makes its data devices when it first hears of a seat, so the managers of clipboard and primary selection must be known
 * by then, or evince crashes (reference: wayland-proxy-virtwl's relay). Outputs come last, as compositors do it.
 */
const RANKS = new Map([["wl_seat", 1], ["wl_output", 2]]);

/** Globals of a lower rank are told first; within a rank they keep the host's order. */
export function announcementRank(global: string): number {
  return RANKS.get(global) ?? 0;
}

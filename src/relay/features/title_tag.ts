/**
 * Puts a tag in front of every window's title, so that the user sees which
 * machine a window belongs to.
 *
 * Unlike plain forwarding: `xdg_toplevel.set_title` (xdg-shell, stable).
 */
import { HEADER_SIZE, MAX_MESSAGE_BYTES } from "../../wayland/wire.ts";
import type { Feature } from "../feature.ts";

/**
 * Bytes of text that a message with one string can have, its final zero apart.
 */
const LONGEST_TITLE = MAX_MESSAGE_BYTES - HEADER_SIZE - 4 - 1;

const encoder = new TextEncoder();

/** The feature for a tag, which may be empty. */
export function titleTag(tag: string): Feature<null> {
  return {
    name: "title tag",
    open: () => null,
    requests: {
      "xdg_toplevel.set_title": (_state, _toplevel, values) => {
        if (tag === "") return "forward";
        values.title = shorten(tag + values.title, LONGEST_TITLE);
        return "rewrite";
      },
    },
    events: {},
  };
}

/**
 * The longest beginning of `text` that takes at most `bytes` bytes in UTF-8 and
 * ends between two characters.
 */
function shorten(text: string, bytes: number): string {
  const { read, written } = encoder.encodeInto(text, new Uint8Array(bytes));
  return written < bytes && read === text.length ? text : text.slice(0, read);
}

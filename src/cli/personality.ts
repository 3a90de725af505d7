/**
 * One executable, two programs: the name by which it is called decides which
 * one it is.
 */

/** The drop-in replacement, or this project's own command line. */
export type Personality = "wayland-proxy-virtwl" | "wayferry";

/**
 * The personality for the first word of the command line as the kernel has it.
 *
 * Nix wraps programs by renaming them to ".name-wrapped", so that spelling
 * counts, too.
 */
export function personalityOf(argv0: string): Personality {
  const name = argv0.slice(argv0.lastIndexOf("/") + 1);
  return name === "wayland-proxy-virtwl" ||
      name === ".wayland-proxy-virtwl-wrapped"
    ? "wayland-proxy-virtwl"
    : "wayferry";
}

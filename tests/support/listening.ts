/**
 * Whether a Unix socket listens: proc(5), /proc/net/unix. It has its path a
 * moment before.
 */

/** <linux/net.h> __SO_ACCEPTCON, as the fourth field has it. */
const LISTENS = "00010000";

/** Whether somebody listens on the Unix socket of that path. */
export function isListening(path: string): boolean {
  return Deno.readTextFileSync("/proc/net/unix").split("\n").some((line) => {
    const fields = line.trim().split(/\s+/);
    return fields[3] === LISTENS && fields[7] === path;
  });
}

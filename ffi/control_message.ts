/**
 * File descriptors beside the bytes of a message: SCM_RIGHTS of cmsg(3) and
 * unix(7).
 */

/** The most descriptors that Linux carries in one message (SCM_MAX_FD). */
export const MAX_FDS = 253;

// struct cmsghdr, in 32-bit words: u64 cmsg_len with this header, i32
// cmsg_level, i32 cmsg_type; then the data. The next one begins at a multiple
// of 8 bytes.
const CMSG_LEN = 0;
const CMSG_LEVEL = 2;
const CMSG_TYPE = 3;
const CMSG_DATA = 4;
const HEADER_BYTES = 16;
export const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;

/**
 * Writes a control message with `count` descriptors, from `fdOffset` of `fds`
 * on.
 *
 * @param words fresh, or written only by this function: words that are always
 * zero are left alone.
 * @returns its length in bytes, as msg_controllen wants it.
 */
export function encodeRights(
  words: Int32Array,
  fds: Int32Array,
  fdOffset: number,
  count: number,
): number {
  const bytes = HEADER_BYTES + 4 * count;
  words[CMSG_LEN] = bytes;
  words[CMSG_LEVEL] = SOL_SOCKET;
  words[CMSG_TYPE] = SCM_RIGHTS;
  for (let i = 0; i < count; i++) {
    words[CMSG_DATA + i] = fds[fdOffset + i] ?? -1;
  }
  return (bytes + 7) & ~7;
}

/**
 * Copies the descriptors out of control messages. Others are skipped: an
 * inherited socket may be set to bring credentials.
 *
 * @param bytes what msg_controllen says.
 * @param fds gets the descriptors, from its start.
 * @returns how many there are.
 */
export function parseRights(
  words: Int32Array,
  bytes: number,
  fds: Int32Array,
): number {
  const end = bytes >> 2;
  let count = 0;
  for (let at = 0; at + CMSG_DATA <= end;) {
    const length = words[at + CMSG_LEN] ?? 0;
    if (length < HEADER_BYTES) break;
    if (
      words[at + CMSG_LEVEL] === SOL_SOCKET &&
      words[at + CMSG_TYPE] === SCM_RIGHTS
    ) {
      const last = Math.min(at + (length >> 2), end);
      for (let i = at + CMSG_DATA; i < last; i++) fds[count++] = words[i] ?? -1;
    }
    at += (length + 7) >> 3 << 1;
  }
  return count;
}

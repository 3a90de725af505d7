/**
 * What a file descriptor in a Wayland message is. The XML says only `fd`; a
 * relay must know more, because memory, pipes and kernel handles cross a
 * boundary in different ways, or not at all. `fd_kinds.txt` gives every fd
 * argument one of these.
 */

/** Every kind, with what its receiver does with the descriptor. */
export const FD_KINDS = [
  /**
   * Client memory that both sides map; lives as long as its pool and buffers.
   */
  "shm",
  /** An xkb keymap: text that the receiver maps privately, once. */
  "keymap",
  /**
   * A place to write to, usually a pipe's end: the receiver writes and closes
   * it.
   */
  "pipe_write_end",
  /** A plane of a GPU buffer. */
  "dmabuf",
  /**
   * The dma-buf formats and modifiers of a compositor: 16-byte entries,
   * read-only.
   */
  "format_table",
  /** A fence of the kernel's sync_file kind. */
  "sync_file",
  /** A DRM synchronization object (a timeline). */
  "syncobj",
  /** An ICC profile, read-only, at an offset that the message names. */
  "icc",
  /** Colour look-up tables, read once. */
  "gamma",
  /** A connected socket that speaks another protocol. */
  "socket",
  /** A listening socket whose connections the receiver accepts. */
  "listening_socket",
  /** A descriptor of which only the hang-up matters. */
  "hangup",
  /** An open DRM device, or a lease of one. */
  "drm_device",
] as const;

/** The kind of a file descriptor argument. */
export type FdKind = (typeof FD_KINDS)[number];

/**
 * What the host does with a wl_buffer: it shows (reads) it, or fills (writes)
 * it.
 */
export const BUFFER_DIRECTIONS = ["read", "written"] as const;

/** Which way the contents of a wl_buffer argument go, seen from the host. */
export type BufferDirection = (typeof BUFFER_DIRECTIONS)[number];

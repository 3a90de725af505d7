/** Errors that end one connection: a peer broke the protocol. */

/**
 * The client sent what no server would accept. The relay sends it a
 * `wl_display.error` with these fields, and ends it.
 */
export class ClientError extends Error {
  override readonly name = "ClientError";
  /**
   * The client's id of the object that the error is about; 1, the display,
   * where there is no better one.
   */
  readonly objectId: number;
  /**
   * A code of that object's interface; for the display one of `displayError`.
   */
  readonly code: number;

  constructor(objectId: number, code: number, message: string) {
    super(message);
    this.objectId = objectId;
    this.code = code;
  }
}

/**
 * The host sent what no client could understand. The relay reports to its
 * client that the compositor failed, and ends it.
 */
export class HostError extends Error {
  override readonly name = "HostError";
}

/**
 * The host's own `wl_display.error`, which it sent because of a request of the
 * client or of the relay.
 */
export class HostRefusal extends Error {
  override readonly name = "HostRefusal";
  /**
   * The host's id of the object that the error is about, as read from an
   * `Int32Array`.
   */
  readonly hostId: number;
  readonly code: number;

  constructor(hostId: number, code: number, message: string) {
    super(message);
    this.hostId = hostId;
    this.code = code;
  }
}

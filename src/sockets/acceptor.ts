/**
 * Accepting connections.
 *
 * Where no more can be accepted, because as many clients are connected as there
 * may be, because descriptors or memory have run out, or because a security
 * module forbids it, the socket is left alone for a while: asking again at once
 * would keep the processor busy and change nothing. The connections wait in the
 * kernel meanwhile, and those that are served stay.
 */

import { SyscallError } from "../../ffi/error.ts";
import {
  EAGAIN,
  EBADF,
  ECONNABORTED,
  EINTR,
  EINVAL,
  ENOTSOCK,
  EOPNOTSUPP,
  errnoText,
} from "../../ffi/errno.ts";
import {
  acceptUnix,
  type PeerCredentials,
  peerCredentials,
} from "../../ffi/unix_socket.ts";
import type { Loop, Source, Timer, Watch } from "../loop/loop.ts";

/**
 * Connections accepted in one turn of the loop: a rush of new clients does not
 * keep those waiting that are connected.
 */
const ACCEPTS_PER_TURN = 16;

/**
 * How long the socket is left alone where accepting failed and no client ends
 * meanwhile.
 */
const PAUSE_MS = 1000;

/**
 * Clients may come and go at the limit many times a second; that is told this
 * often at most.
 */
const WARNING_INTERVAL_MS = 10_000;

/**
 * What accept(2) says where the descriptor is no listening socket, and no other
 * moment will make it one.
 */
const notListening: ReadonlySet<number> = new Set([
  EBADF,
  EINVAL,
  ENOTSOCK,
  EOPNOTSUPP,
]);

/** Takes a new connection. */
export interface ConnectionHandler {
  /**
   * A client has connected.
   *
   * @param fd the connection, non-blocking and close-on-exec; now the handler's
   * @param credentials the process that connected
   */
  (fd: number, credentials: PeerCredentials): void;
}

/** What an acceptor needs. */
export interface AcceptorOptions {
  readonly loop: Loop;
  /** The listening socket, borrowed. */
  readonly listener: number;
  /** How many clients may be connected at once. */
  readonly clientLimit: number;
  readonly onConnection: ConnectionHandler;
  /** Told when accepting is put off, with the reason. */
  readonly onPause: (reason: string) => void;
  /** Accepts a connection: `acceptUnix`, where nothing else is said. */
  readonly accept?: (listener: number) => number;
}

/**
 * Accepts the connections of one listening socket. Disposing of it accepts no
 * more; connected clients stay.
 */
export class Acceptor implements Disposable, Source {
  readonly #options: AcceptorOptions;
  readonly #watch: Watch;
  #clients = 0;
  #timer: Timer | null = null;
  #toldAt = -Infinity;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    this.#watch = options.loop.watch(options.listener, this);
  }

  /** How many clients are connected. */
  get clientCount(): number {
    return this.#clients;
  }

  /**
   * To be called once for each connection that was handed out, when it has
   * ended.
   */
  connectionEnded(): void {
    this.#clients--;
    this.#resume();
  }

  ready(): void {
    for (let count = 0; count < ACCEPTS_PER_TURN; count++) {
      if (this.#clients >= this.#options.clientLimit) {
        this.#pause(
          `${this.#clients} clients are connected, the maximum`,
        );
        return;
      }
      const fd = (this.#options.accept ?? acceptUnix)(this.#options.listener);
      if (fd >= 0) this.#connected(fd);
      else if (fd === -EAGAIN) return;
      else if (notListening.has(-fd)) {
        throw new SyscallError("accept a connection", -fd);
      } else if (fd !== -EINTR && fd !== -ECONNABORTED) {
        this.#pause(errnoText(-fd));
        this.#timer = this.#options.loop.after(
          PAUSE_MS,
          () => this.#resume(),
        );
        return;
      }
    }
  }

  #connected(fd: number): void {
    this.#clients++;
    this.#options.onConnection(fd, peerCredentials(fd));
  }

  #pause(reason: string): void {
    this.#watch.readable = false;
    const { loop, onPause } = this.#options;
    if (loop.now - this.#toldAt < WARNING_INTERVAL_MS) return;
    this.#toldAt = loop.now;
    onPause(reason);
  }

  #resume(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    this.#watch.readable = true;
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#watch[Symbol.dispose]();
  }
}

/**
 * The connected clients: a relay for each, between its connection and one of its own to the host.
 */

import { SyscallError } from "../../ffi/error.ts";
import { OwnedFd, setNonBlocking } from "../../ffi/fd.ts";
import { connectUnix, type PeerCredentials } from "../../ffi/unix_socket.ts";
import { LocalSocket } from "../host/local_socket.ts";
import { clientLabel } from "../log/client_label.ts";
import type { Log } from "../log/log.ts";
import { createTrace } from "../log/trace.ts";
import { Relay, type RelaySettings } from "../relay/relay.ts";
import type { HostAddress } from "../server/host_address.ts";
import { StartupError } from "../server/startup_error.ts";

/** What the clients need. */
export interface ClientsOptions {
  readonly log: Log;
  readonly relay: RelaySettings;
  /** The address for one connection to the host. @throws {StartupError} */
  readonly hostAddress: () => HostAddress;
}

/** All clients. Disposing of them closes their connections. */
export class Clients implements Disposable {
  readonly #options: ClientsOptions;
  readonly #relays = new Set<Relay>();
  /** Connections of clients that have ended, but are still to be told why. */
  #closing: LocalSocket[] = [];

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  /**
   * Takes a client's connection, and makes the one to the host.
   *
   * @param fd now ours
   * @param onEnd called once, when the client has ended; within this call where there is no host
   */
  connect(fd: number, { pid }: PeerCredentials, onEnd: () => void): void {
    const { log, relay: settings } = this.#options;
    const label = clientLabel(pid);
    const client = new OwnedFd(fd);
    const host = this.#connectToHost(label);
    if (host === null) {
      client[Symbol.dispose]();
      onEnd();
      return;
    }
    log.info("wl-proxy", `${label}: connected`);
    const clientSocket = new LocalSocket(settings.loop, client);
    const hostSocket = new LocalSocket(settings.loop, host);
    const relay = new Relay(
      settings,
      clientSocket,
      hostSocket,
      {
        warning: (text) => log.warning("wl-proxy", `${label}: ${text}`),
        info: (text) => log.info("wl-proxy", `${label}: ${text}`),
      },
      createTrace(log, label),
      (ended) => {
        this.#relays.delete(ended);
        this.#closing = [...this.#closing, clientSocket, hostSocket].filter((
          socket,
        ) => socket.outgoing.length > 0);
        onEnd();
      },
    );
    this.#relays.add(relay);
  }

  #connectToHost(label: string): OwnedFd | null {
    const { log, hostAddress } = this.#options;
    try {
      const address = hostAddress();
      if (address.kind === "path") return connectUnix(address.path);
      const inherited = new OwnedFd(address.fd);
      setNonBlocking(inherited.number);
      return inherited;
    } catch (error) {
      if (!(error instanceof SyscallError || error instanceof StartupError)) {
        throw error;
      }
      log.warning(
        "wl-proxy",
        `${label}: turned away, the host cannot be reached: ${error.message}`,
      );
      return null;
    }
  }

  [Symbol.dispose](): void {
    for (const relay of [...this.#relays]) relay[Symbol.dispose]();
    for (const socket of this.#closing) socket[Symbol.dispose]();
  }
}

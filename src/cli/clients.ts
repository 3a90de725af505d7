/**
 * The connected clients: a relay for each, between its connection and one of its own to the host.
 */

import { SyscallError } from "../../ffi/error.ts";
import { OwnedFd } from "../../ffi/fd.ts";
import type { PeerCredentials } from "../../ffi/unix_socket.ts";
import type { Endpoint } from "../host/endpoint.ts";
import { LocalSocket } from "../host/local_socket.ts";
import { ClientLabel } from "../log/client_label.ts";
import type { Log } from "../log/log.ts";
import { createTrace } from "../log/trace.ts";
import { Relay, type RelaySettings } from "../relay/relay.ts";
import { turnAway } from "../relay/turn_away.ts";
import { StartupError } from "../server/startup_error.ts";
import { NoDeviceError } from "../virtgpu/find_device.ts";
import type { Host } from "./host.ts";

/** What the clients need. */
export interface ClientsOptions {
  readonly log: Log;
  readonly relay: RelaySettings;
  readonly host: Host;
}

/** All clients. Disposing of them closes their connections. */
export class Clients implements Disposable {
  readonly #options: ClientsOptions;
  readonly #relays = new Set<Relay>();
  /** Connections of clients that have ended, but are still to be told why. */
  #closing: Endpoint[] = [];

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
    const label = new ClientLabel(pid);
    const info = (text: string): void => {
      if (!log.isWanted("wl-proxy", "info")) return;
      log.info("wl-proxy", `${label}: ${text}`);
    };
    const clientSocket = new LocalSocket(settings.loop, new OwnedFd(fd));
    const host = this.#connectToHost();
    if (typeof host === "string") {
      log.warning("wl-proxy", `${label}: turned away, ${host}`);
      turnAway(clientSocket, host);
      onEnd();
      return;
    }
    info("connected");
    const relay = new Relay(
      settings,
      clientSocket,
      host,
      {
        warning: (text) => log.warning("wl-proxy", `${label}: ${text}`),
        info,
      },
      createTrace(log, label),
      (ended) => {
        this.#relays.delete(ended);
        this.#closing = [...this.#closing, clientSocket, host].filter((
          endpoint,
        ) => endpoint.outgoing.length > 0);
        onEnd();
      },
    );
    this.#relays.add(relay);
  }

  /** @returns the connection, or why there is none */
  #connectToHost(): Endpoint | string {
    try {
      return this.#options.host.connect();
    } catch (error) {
      if (
        !(error instanceof SyscallError || error instanceof StartupError ||
          error instanceof NoDeviceError)
      ) throw error;
      return `the host cannot be reached: ${error.message}`;
    }
  }

  [Symbol.dispose](): void {
    for (const relay of [...this.#relays]) relay[Symbol.dispose]();
    for (const endpoint of this.#closing) endpoint[Symbol.dispose]();
  }
}

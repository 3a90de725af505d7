/**
 * The connected clients: a relay for each, between its connection and one of
 * its own to the host.
 */

import { SyscallError } from "../../../ffi/error.ts";
import { OwnedFd } from "../../../ffi/fd.ts";
import type { PeerCredentials } from "../../../ffi/unix_socket.ts";
import type { Endpoint } from "../../host/endpoint.ts";
import { LocalSocket } from "../../host/local/mod.ts";
import { NoPlaceError } from "../../host/virtgpu/mod.ts";
import { ClientLabel } from "../../log/client_label.ts";
import type { Log } from "../../log/log.ts";
import { createTrace } from "../../log/trace.ts";
import { Relay, type RelaySettings } from "../../relay/relay.ts";
import { turnAway } from "../../relay/turn_away.ts";
import { StartupError } from "../../sockets/startup_error.ts";
import { NoDeviceError } from "../../virtgpu/find/mod.ts";
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
  /** Connections of clients that have ended, and still have to read why. */
  #closing: Endpoint[] = [];

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  /**
   * Takes a client's connection, and makes the one to the host. Whatever is in
   * the way of it concerns this client and no other.
   *
   * @param fd now ours
   * @param onEnd called once, when the client has ended; within this call where
   * there is no host
   */
  connect(fd: number, { pid }: PeerCredentials, onEnd: () => void): void {
    const label = new ClientLabel(pid);
    const client = new LocalSocket(
      this.#options.relay.loop,
      new OwnedFd(fd),
    );
    let host: Endpoint | null = null;
    try {
      host = this.#options.host.connect();
      this.#relay(client, host, label, onEnd);
    } catch (error) {
      host?.[Symbol.dispose]();
      this.#refuse(client, label, error);
      onEnd();
    }
  }

  #relay(
    client: LocalSocket,
    host: Endpoint,
    label: ClientLabel,
    onEnd: () => void,
  ): void {
    const { log, relay: settings } = this.#options;
    const info = (text: string): void => {
      if (!log.isWanted("proxy", "info")) return;
      log.info("proxy", `${label}: ${text}`);
    };
    info("connected");
    const relay = new Relay(
      settings,
      client,
      host,
      {
        warning: (text) => log.warning("proxy", `${label}: ${text}`),
        info,
      },
      createTrace(log, label),
      (ended) => {
        this.#relays.delete(ended);
        this.#closing = [...this.#closing, client, host].filter((
          endpoint,
        ) => endpoint.outgoing.length > 0);
        onEnd();
      },
    );
    this.#relays.add(relay);
  }

  /** Tells a client, and the log, why there is no connection to the host. */
  #refuse(client: Endpoint, label: ClientLabel, error: unknown): void {
    if (!(error instanceof Error)) throw error;
    const { log } = this.#options;
    const isForeseen = error instanceof SyscallError ||
      error instanceof StartupError || error instanceof NoDeviceError ||
      error instanceof NoPlaceError;
    const reason = isForeseen
      ? `the host cannot be reached: ${error.message}`
      : `the proxy failed: ${error.message}`;
    if (!isForeseen) {
      log.warning("proxy", `${label}: internal error: ${error.stack}`);
    }
    log.warning("proxy", `${label}: turned away, ${reason}`);
    turnAway(client, reason);
  }

  [Symbol.dispose](): void {
    for (const relay of [...this.#relays]) relay[Symbol.dispose]();
    for (const endpoint of this.#closing) endpoint[Symbol.dispose]();
  }
}

/**
 * Where windows are shown: a compositor on this machine, or the one on the host
 * of this virtual machine.
 */

import { OwnedFd, setNonBlocking } from "../../../ffi/fd.ts";
import { connectUnix } from "../../../ffi/unix_socket.ts";
import type { Endpoint } from "../../host/endpoint.ts";
import { LocalSocket } from "../../host/local/mod.ts";
import { MAX_CLIENTS, VirtgpuHost } from "../../host/virtgpu/mod.ts";
import type { Log } from "../../log/log.ts";
import type { Loop } from "../../loop/loop.ts";
import type { Environment } from "../../sockets/environment.ts";
import { hostAddress } from "../../sockets/host_address.ts";
import { NoDeviceError } from "../../virtgpu/find/mod.ts";

/**
 * A compositor to connect clients to. All connections end before it is disposed
 * of.
 */
export interface Host extends Disposable {
  /** How many clients it bears. */
  readonly clientLimit: number;
  /**
   * Makes a connection.
   *
   * @throws {SyscallError} it cannot be reached
   * @throws {StartupError} the environment makes no sense
   * @throws {NoDeviceError} there is no way to it
   * @throws {NoPlaceError} the way is full
   */
  connect(): Endpoint;
}

/** The compositor that the environment names. */
export function localHost(loop: Loop, environment: Environment): Host {
  return {
    clientLimit: Infinity,
    connect: () => {
      const address = hostAddress(environment);
      if (address.kind === "path") {
        return new LocalSocket(loop, connectUnix(address.path));
      }
      const inherited = new OwnedFd(address.fd);
      setNonBlocking(inherited.number);
      return new LocalSocket(loop, inherited);
    },
    [Symbol.dispose]: () => {},
  };
}

/**
 * The compositor of the host, over virtio-gpu. Without a usable device the
 * proxy logs a warning and runs all the same: services that need it must not
 * fail because a device comes late.
 */
export function virtioGpuHost(loop: Loop, log: Log): Host {
  const host = new VirtgpuHost(loop);
  try {
    const { path } = host.check();
    log.info("proxy", `Using the virtio-gpu device ${path}`);
  } catch (error) {
    if (!(error instanceof NoDeviceError)) throw error;
    log.warning(
      "proxy",
      `There is no usable virtio-gpu device, so clients will be turned away: ${error.message}`,
    );
  }
  return {
    clientLimit: MAX_CLIENTS,
    connect: () => host.connect(),
    [Symbol.dispose]: () => host[Symbol.dispose](),
  };
}

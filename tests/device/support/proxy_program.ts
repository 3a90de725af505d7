/**
 * A proxy whose device is emulated, between applications and a real compositor:
 * a program, because its loop blocks.
 *
 * Arguments: the socket to listen on, the compositor's socket, a release of
 * rutabaga, "stock" or "fixed", and "taken" where the host takes memory of the
 * guest. Whoever connects to the first socket's path with ".report" behind it
 * gets a `ProxyReport` as JSON.
 */
import { raiseFdLimit } from "../../../ffi/process.ts";
import { OwnedFd, writeFd } from "../../../ffi/fd.ts";
import { connectUnix, listenUnix } from "../../../ffi/unix_socket.ts";
import { LocalSocket } from "../../../src/host/local/socket.ts";
import { Loop } from "../../../src/loop/loop.ts";
import { Policy } from "../../../src/policy/policy.ts";
import { CopyStatistics } from "../../../src/relay/features/backing/copy_statistics.ts";
import { standardFeatures } from "../../../src/relay/features/standard.ts";
import { Relay, relayFeatures } from "../../../src/relay/relay.ts";
import { Acceptor } from "../../../src/sockets/acceptor.ts";
import { hostProfile, rutabagas } from "../../emulator/host_profile.ts";
import { Machine } from "../../emulator/machine.ts";
import { emulatedHost } from "./emulated_host.ts";
import type { ProxyReport } from "./emulated_proxy.ts";

const [socket = "", compositor = "", release, fences, handles] = Deno.args;
const rutabaga = rutabagas.find((name) => name === release) ?? "0.1.85";

raiseFdLimit();
const loop = new Loop();
const machine = new Machine({
  loop,
  profile: hostProfile(rutabaga, fences === "stock" ? "stock" : "fixed"),
  connect: () => connectUnix(compositor),
  ...(handles === "taken" ? { guestHandles: handles } : {}),
});
const host = emulatedHost(machine);
const statistics = new CopyStatistics();
const features = relayFeatures(standardFeatures({ tag: "", statistics }));
const relays = new Set<Relay>();
const ends: string[] = [];

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

function report(): ProxyReport {
  return {
    census: machine.census(),
    log: machine.log,
    violations: machine.violations,
    stalls: machine.queue.stalls,
    clients: relays.size,
    sends: [...machine.contexts.values()].map(({ sent }) => sent.commands),
    copiedBytes: statistics.copiedBytes,
    guestMemory: host.guestMemory.state,
    ends,
  };
}

const listener = listenUnix(socket, 16);
const _acceptor: Acceptor = new Acceptor({
  loop,
  listener: listener.number,
  clientLimit: 64,
  onPause: say,
  onConnection: (fd) => {
    const relay = new Relay(
      {
        loop,
        features,
        policy: new Policy({ allow: [], deny: [] }),
        memory: { burst: () => {} },
      },
      new LocalSocket(loop, new OwnedFd(fd)),
      host.connect(),
      {
        warning: (text) => {
          ends.push(text);
          say(text);
        },
        info: say,
      },
      null,
      (ended) => {
        relays.delete(ended);
        _acceptor.connectionEnded();
      },
    );
    relays.add(relay);
  },
});
const reports = listenUnix(`${socket}.report`, 16);
const _reporter: Acceptor = new Acceptor({
  loop,
  listener: reports.number,
  clientLimit: 64,
  onPause: say,
  onConnection: (fd) => {
    using connection = new OwnedFd(fd);
    writeFd(
      connection.number,
      new TextEncoder().encode(JSON.stringify(report())),
    );
    _reporter.connectionEnded();
  },
});
loop.run();

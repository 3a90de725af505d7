/**
 * Scripts for copies between two applications of one machine, and for a
 * compositor that answers.
 */
import assert from "node:assert/strict";
import { OwnedFd, setNonBlocking } from "../../../ffi/fd.ts";
import { DeviceWorld, type DeviceWorldOptions } from "./device_world.ts";
import { Selections, TransferEnds } from "./selections.ts";

/** A machine with two applications, of which the one pastes from the other. */
export class GuestCopyWorld extends DeviceWorld {
  readonly from: Selections;
  readonly to: Selections;

  /** @param pastes which application pastes */
  constructor(
    options: DeviceWorldOptions = {},
    pastes: "another" | "the same" = "another",
  ) {
    super(options);
    this.from = new Selections(this);
    this.to = pastes === "another" ? new Selections(this) : this.from;
  }

  /** `to` pastes: where it reads, and `from` writes. */
  copy(): TransferEnds {
    return connect(this, this.from, this.to);
  }
}

function connect(
  world: DeviceWorld,
  from: Selections,
  to: Selections,
): TransferEnds {
  const reader = to.ask();
  const asked = arrived(world, to.client.host.receivedFds);
  // as the compositor does: with the very end that the host has made, which
  // waits where it is full
  from.client.host.say(from.source, "wl_data_source.send", {
    "mime_type": "text/plain",
    fd: asked,
  });
  const writer = arrived(world, from.client.client.receivedFds);
  setNonBlocking(writer);
  return new TransferEnds(world, reader, new OwnedFd(writer));
}

/**
 * The compositor answers what the relays have asked.
 *
 * @returns how many questions there were
 */
export function answer(world: DeviceWorld): number {
  world.settle();
  let answers = 0;
  for (const { host, ended } of world.clients) {
    if (ended) continue;
    answers += host.answerSyncs(host.heard());
  }
  world.settle();
  return answers;
}

/** A descriptor that comes, from a slow host, in a second. */
function arrived(world: DeviceWorld, fds: number[]): number {
  for (let i = 0; i < 100 && fds.length === 0; i++) {
    world.settle();
    world.pass(10);
  }
  const fd = fds.shift();
  assert.ok(fd !== undefined, "a descriptor arrives");
  return fd;
}

/**
 * Scripts for copies between two applications of one machine, and for a
 * compositor that answers.
 */
import { DeviceWorld, type DeviceWorldOptions } from "./device_world.ts";
import { arrived, Selections, TransferEnds, writingEnd } from "./selections.ts";

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
    const reader = this.to.ask();
    // as the compositor does: with the very end that the host has made, which
    // waits where it is full
    this.from.client.host.say(this.from.source, "wl_data_source.send", {
      "mime_type": "text/plain",
      fd: arrived(this, this.to.client.host),
    });
    const writer = writingEnd(this, this.from.client.client);
    return new TransferEnds(this, reader, writer);
  }
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

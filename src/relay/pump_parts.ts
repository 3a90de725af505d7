/**
 * What both directions of a relay share: where messages come from and go to,
 * which features override them, and who traces them.
 */
import type { Message } from "../../protocols/tables.ts";
import type { Endpoint } from "../host/endpoint.ts";
import type { MessageTrace } from "../log/trace.ts";
import type { ArgumentRecord, Entry } from "./entry.ts";
import type { DescriptorChecks, HandlerTable, Verdict } from "./feature.ts";
import type { Metering } from "./metering.ts";
import type { Objects } from "./objects.ts";
import type { Sender } from "./sender.ts";

/** The parts of one relay, as its two pumps see them. */
export interface PumpParts {
  readonly client: Endpoint;
  readonly host: Endpoint;
  readonly objects: Objects;
  readonly sender: Sender;
  /** Null where the host's endpoint has no meter. */
  readonly metering: Metering | null;
  readonly handlers: HandlerTable;
  readonly descriptorChecks: DescriptorChecks;
  /** What each feature keeps for this relay, in list order. */
  readonly states: readonly unknown[];
  /** Null unless messages are logged. */
  readonly trace: MessageTrace | null;
}

/** Why a pump stopped moving messages. */
export type Progress =
  /** Nothing whole is left in the queue. */
  | "idle"
  /** A feature holds the next message. */
  | "held"
  /** The host owes so many answers that the next message has to wait. */
  | "metered";

/**
 * Asks the features in list order; the first that does not forward decides.
 *
 * @param waited whether the message was held for as long as it may be, so that
 * it goes on even where a feature would hold it
 */
export function decide(
  parts: PumpParts,
  entry: Entry,
  message: Message,
  values: ArgumentRecord,
  waited: boolean,
): Verdict {
  const handlers = parts.handlers[message.index];
  if (handlers === undefined || handlers === null) return "forward";
  for (const { feature, handle } of handlers) {
    const verdict = handle(parts.states[feature], entry, values);
    if (verdict === "forward" || (waited && verdict === "hold")) continue;
    return verdict;
  }
  return "forward";
}

/**
 * Lets the features check the descriptors of the request in front. A descriptor
 * that is missing is found later.
 */
export function checkFds(
  parts: PumpParts,
  entry: Entry,
  message: Message,
): void {
  const { client, descriptorChecks, states } = parts;
  const { fds, fdHead, fdCount } = client.incoming;
  for (let i = 0; i < fdCount; i++) {
    const kind = message.fdKinds[i];
    if (kind === undefined) return;
    const bound = descriptorChecks.get(kind);
    const fd = client.peek(fds[fdHead + i] ?? -1);
    bound?.check(states[bound.feature], entry, fd);
  }
}

/**
 * Forgets what a message created. Not `length = 0`: V8 would drop the backing
 * store and reallocate it on the next push.
 */
export function forgetCreated(created: Entry[]): void {
  while (created.length > 0) created.pop();
}

/** Moves the descriptors of the message in front to the other side. */
export function moveFds(from: Endpoint, to: Endpoint, message: Message): void {
  for (const kind of message.fdKinds) {
    to.outgoing.pushFd(from.open(from.incoming.shiftFd(), kind), kind);
  }
}

/** Closes the first `count` descriptors. */
export function discardFds(from: Endpoint, count: number): void {
  for (let i = 0; i < count; i++) from.discard(from.incoming.shiftFd());
}

/**
 * Takes the first `count` descriptors out of the queue: they have another
 * owner.
 */
export function skipFds(from: Endpoint, count: number): void {
  for (let i = 0; i < count; i++) from.incoming.shiftFd();
}

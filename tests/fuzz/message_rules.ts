/**
 * What the requests of a client and the events of a host have in common: their
 * shape, the objects that they name and make, and their descriptors. The rules
 * of either direction add what holds only there.
 */
import type { Argument, Message } from "../../protocols/tables.ts";
import { comparableWords, Fault, type Heard } from "./heard.ts";
import { Shape } from "./shape.ts";
import type { FuzzObject, View } from "./view.ts";

const NO_OBJECTS: readonly FuzzObject[] = [];
const NO_LABELS: readonly number[] = [];

/** A message whose shape is right, before anything comes of it. */
export interface Candidate {
  readonly target: FuzzObject;
  readonly message: Message;
  /** Objects in it, in order. */
  readonly named: readonly (FuzzObject | null)[];
  readonly words: Int32Array;
  /** Where in `words` it begins. */
  readonly at: number;
  /** Labels of the descriptors that are there. */
  readonly labels: readonly number[];
}

/** Judges the messages of one direction and keeps the view up to date. */
export abstract class MessageRules {
  protected readonly view: View;
  /** Of the message that is being judged. */
  protected readonly shape = new Shape();
  readonly #code: number;

  /** @param code of the error that most faults deserve */
  constructor(view: View, code: number) {
    this.view = view;
    this.#code = code;
  }

  /**
   * @param labels of the descriptors that are there; those of the message are
   * taken out
   */
  apply(
    words: Int32Array,
    bytes: Uint8Array,
    at: number,
    size: number,
    labels: number[],
  ): Heard | Fault {
    if (size < 8 || size > 4096 || size % 4 !== 0) {
      return this.fault(`a message of ${size} bytes`);
    }
    const target = this.target(words[at] ?? 0);
    if (target instanceof Fault) return target;
    const message = this.find(target, (words[at + 1] ?? 0) & 0xffff);
    if (message === undefined) {
      return this.fault(`${target} has no such message`);
    }
    const wrong = this.shape.walk(message, words, bytes, at, size);
    if (wrong !== null) {
      // with two faults in one message either may be named
      const isOnly = this.shape.untypedName === "";
      return this.fault(`${target}.${message.name}: ${wrong}`, isOnly);
    }
    const named = this.#named(message, words, at);
    if (named instanceof Fault) return named;
    const candidate = { target, message, named, words, at, labels };
    const illegal = this.#checkNewIds(candidate) ?? this.check(candidate);
    if (illegal !== null) return illegal;
    const { fdCount } = message;
    if (labels.length < fdCount) {
      return this.fault(`${target}.${message.name}: a descriptor is missing`);
    }
    return this.enter({
      message,
      target,
      words: comparableWords(words, at, size, this.shape),
      named,
      namedArgument: this.shape.objectArgument.slice(),
      created: this.#create(candidate),
      labels: fdCount === 0 ? NO_LABELS : labels.splice(0, fdCount),
    });
  }

  protected fault(why: string, isCertain = true): Fault {
    return new Fault(why, 1, this.#code, isCertain);
  }

  /** The object that gets the message. */
  protected abstract target(id: number): FuzzObject | Fault;
  protected abstract find(
    target: FuzzObject,
    opcode: number,
  ): Message | undefined;
  /** Whether a message may still name what the view knows. */
  protected abstract isNameable(object: FuzzObject): boolean;
  /** Whether an object may be made under an id. */
  protected abstract checkNewId(
    id: number,
    candidate: Candidate,
    argument: Argument | undefined,
  ): Fault | null;
  /** What else is wrong with a message whose shape and objects are right. */
  protected abstract check(candidate: Candidate): Fault | null;
  /**
   * What comes of a legal message, whose objects are made.
   *
   * @returns how it is to be compared
   */
  protected abstract enter(heard: Heard): Heard;

  #named(
    message: Message,
    words: Int32Array,
    at: number,
  ): (FuzzObject | null)[] | Fault {
    const { objectAt, objectArgument } = this.shape;
    const named: (FuzzObject | null)[] = [];
    for (let i = 0; i < objectAt.length; i++) {
      const id = words[at + (objectAt[i] ?? 0)] ?? 0;
      const object = this.view.objects.get(id);
      const wanted = message.arguments[objectArgument[i] ?? 0]?.interface ??
        null;
      // the object of an error may be gone
      if (id === 0 || (object === undefined && wanted === null)) {
        named.push(null);
        continue;
      }
      if (object === undefined || !this.isNameable(object)) {
        return this.fault(
          `${message.fullName} names ${object ?? `the unknown ${id >>> 0}`}`,
          object?.inert !== "maybe",
        );
      }
      if (wanted !== null && object.interface.name !== wanted) {
        return this.fault(
          `${message.fullName} takes ${object} for a ${wanted}`,
        );
      }
      named.push(object);
    }
    return named;
  }

  #checkNewIds(candidate: Candidate): Fault | null {
    const { message, words, at } = candidate;
    const { newIdAt, newIdArgument } = this.shape;
    for (let i = 0; i < newIdAt.length; i++) {
      const id = words[at + (newIdAt[i] ?? 0)] ?? 0;
      const argument = message.arguments[newIdArgument[i] ?? 0];
      const wrong = this.checkNewId(id, candidate, argument);
      if (wrong !== null) return wrong;
    }
    return null;
  }

  #create({ target, message, words, at }: Candidate): readonly FuzzObject[] {
    const { newIdAt, newIdArgument, untypedInterface, untypedVersion } =
      this.shape;
    if (newIdAt.length === 0) return NO_OBJECTS;
    return newIdAt.flatMap((place, i) => {
      const typed = message.arguments[newIdArgument[i] ?? 0]?.target ?? null;
      const type = typed ?? untypedInterface;
      if (type === null) return NO_OBJECTS;
      const version = typed === null ? untypedVersion : target.version;
      return this.view.add(words[at + place] ?? 0, type, version);
    });
  }
}

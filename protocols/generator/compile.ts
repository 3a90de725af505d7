/**
 * Joins the facts of all protocol files with the hand-written lists, and
 * refuses what a relay could not carry: an fd of unknown kind, a buffer of
 * unknown direction, a name that leads nowhere.
 */

import type { BufferDirection, FdKind } from "../fd_kind.ts";
import type {
  ArgumentFacts,
  EnumFacts,
  InterfaceFacts,
  MessageFacts,
  ProtocolFacts,
} from "./facts.ts";
import { MarkError } from "./marks.ts";

/** A protocol's facts and the file, relative to `xml/`, that they stand in. */
export interface ProtocolFile {
  readonly file: string;
  readonly facts: ProtocolFacts;
}

/** Everything that the generator reads. */
export interface Sources {
  readonly protocols: readonly ProtocolFile[];
  readonly fdKinds: ReadonlyMap<string, FdKind>;
  readonly bufferDirections: ReadonlyMap<string, BufferDirection>;
  readonly exposure: ReadonlyMap<string, number>;
}

/** An argument with its enum's full name, and its kind or direction. */
export interface CompiledArgument extends ArgumentFacts {
  readonly mark: FdKind | BufferDirection | null;
}

/** A message whose arguments are compiled. */
export interface CompiledMessage extends MessageFacts {
  readonly arguments: readonly CompiledArgument[];
}

/**
 * An interface whose messages are compiled, with the number of its first
 * message among all.
 */
export interface CompiledInterface extends InterfaceFacts {
  readonly file: string;
  readonly firstIndex: number;
  readonly requests: readonly CompiledMessage[];
  readonly events: readonly CompiledMessage[];
  readonly enums: readonly EnumFacts[];
}

/** What the emitters write down. */
export interface Compilation {
  /** Sorted by name. */
  readonly interfaces: readonly CompiledInterface[];
  readonly messageCount: number;
  /** Sentences about definitions that lost against a newer one. */
  readonly superseded: readonly string[];
  readonly exposure: ReadonlyMap<string, number>;
}

/**
 * Protocol files that contradict each other or refer to what does not exist.
 */
export class CompileError extends Error {
  override readonly name = "CompileError";
}

/**
 * Compiles the protocols.
 *
 * @throws {CompileError} when a name leads nowhere or two equal versions of an
 * interface differ
 * @throws {MarkError} when a list misses an argument or names one that does not
 * exist
 */
export function compile(sources: Sources): Compilation {
  const { chosen, superseded } = chooseNewest(sources.protocols);
  const marks = new Marks(sources);
  const interfaces: CompiledInterface[] = [];
  let firstIndex = 0;
  for (const definition of chosen.values()) {
    const compileMessages = (
      messages: readonly MessageFacts[],
    ): CompiledMessage[] =>
      messages.map((message) =>
        compileMessage(definition, message, chosen, marks)
      );
    const { facts, file } = definition;
    interfaces.push({
      ...facts,
      file,
      firstIndex,
      requests: compileMessages(facts.requests),
      events: compileMessages(facts.events),
    });
    firstIndex += facts.requests.length + facts.events.length;
  }
  marks.requireAllUsed();
  checkExposure(sources.exposure, chosen);
  return {
    interfaces,
    messageCount: firstIndex,
    superseded,
    exposure: sources.exposure,
  };
}

interface Definition {
  readonly file: string;
  readonly facts: InterfaceFacts;
}

/**
 * Takes the definition of the highest version where files define an interface
 * twice.
 */
function chooseNewest(protocols: readonly ProtocolFile[]): {
  chosen: Map<string, Definition>;
  superseded: string[];
} {
  const chosen = new Map<string, Definition>();
  const superseded: string[] = [];
  const definitions = protocols.flatMap(({ file, facts }) =>
    facts.interfaces.map((definition) => ({ file, facts: definition }))
  ).sort((a, b) =>
    compareText(a.facts.name, b.facts.name) ||
    b.facts.version - a.facts.version || compareText(a.file, b.file)
  );
  for (const definition of definitions) {
    const { name, version } = definition.facts;
    const winner = chosen.get(name);
    if (winner === undefined) {
      chosen.set(name, definition);
      continue;
    }
    requireSuccessor(winner, definition);
    superseded.push(
      `${name}: version ${winner.facts.version} of ${winner.file}, not ${version} of ${definition.file}`,
    );
  }
  return { chosen, superseded };
}

/**
 * A newer definition may replace another only if it begins with all of its
 * messages, and at the same version equals it.
 */
function requireSuccessor(winner: Definition, loser: Definition): void {
  const sameVersion = winner.facts.version === loser.facts.version;
  for (const list of ["requests", "events"] as const) {
    const newer = winner.facts[list].map(wireShape);
    const older = loser.facts[list].map(wireShape);
    if (
      older.some((shape, opcode) => shape !== newer[opcode]) ||
      (sameVersion && older.length !== newer.length)
    ) {
      throw new CompileError(
        `Cannot choose a ${winner.facts.name}: version ${winner.facts.version} of ${winner.file} does not succeed version ${loser.facts.version} of ${loser.file}, their ${list} differ`,
      );
    }
  }
}

/** What two definitions of a message must agree on. */
function wireShape(message: MessageFacts): string {
  return JSON.stringify([
    message.name,
    message.destructor,
    message.since,
    message.arguments.map((argument) => [argument.type, argument.interface]),
  ]);
}

function compileMessage(
  definition: Definition,
  message: MessageFacts,
  known: ReadonlyMap<string, Definition>,
  marks: Marks,
): CompiledMessage {
  const name = `${definition.facts.name}.${message.name}`;
  const place = `${name} (${definition.file})`;
  if (message.since > definition.facts.version) {
    throw new CompileError(
      `Cannot use ${place}: it is newer than its interface`,
    );
  }
  const names = message.arguments.flatMap((argument) =>
    isUntypedNewId(argument)
      ? ["interface", "version", argument.name]
      : [argument.name]
  );
  if (new Set(names).size !== names.length) {
    throw new CompileError(`Cannot use ${place}: two arguments share a name`);
  }
  return {
    ...message,
    arguments: message.arguments.map((argument) => {
      if (argument.interface !== null && !known.has(argument.interface)) {
        throw new CompileError(
          `Cannot use ${place}: argument ${argument.name} is of the unknown interface ${argument.interface}`,
        );
      }
      return {
        ...argument,
        enumeration: qualifyEnum(definition, argument, known, place),
        mark: marks.take(`${name}.${argument.name}`, argument, place),
      };
    }),
  };
}

/**
 * Whether an argument is a new id whose interface the message itself carries.
 */
export function isUntypedNewId(argument: ArgumentFacts): boolean {
  return argument.type === "new_id" && argument.interface === null;
}

function qualifyEnum(
  definition: Definition,
  { name, enumeration }: ArgumentFacts,
  known: ReadonlyMap<string, Definition>,
  place: string,
): string | null {
  if (enumeration === null) {
    return null;
  }
  const dot = enumeration.indexOf(".");
  const owner = dot < 0 ? definition.facts.name : enumeration.slice(0, dot);
  const enumName = enumeration.slice(dot + 1);
  const found = known.get(owner)?.facts.enums.some((candidate) =>
    candidate.name === enumName
  );
  if (found !== true) {
    throw new CompileError(
      `Cannot use ${place}: argument ${name} is of the unknown enum ${enumeration}`,
    );
  }
  return `${owner}.${enumName}`;
}

/**
 * One of the two lists of marks, each entry of which must belong to exactly one
 * argument.
 */
class MarkList<Mark> {
  readonly #file: string;
  readonly #subject: string;
  readonly #entries: ReadonlyMap<string, Mark>;
  readonly #used = new Set<string>();

  constructor(
    file: string,
    subject: string,
    entries: ReadonlyMap<string, Mark>,
  ) {
    this.#file = file;
    this.#subject = subject;
    this.#entries = entries;
  }

  take(name: string, place: string): Mark {
    const mark = this.#entries.get(name);
    if (mark === undefined) {
      throw new MarkError(
        `Cannot generate ${place}: its ${this.#subject} argument has no mark; add a line for ${name} to protocols/${this.#file}`,
      );
    }
    this.#used.add(name);
    return mark;
  }

  requireAllUsed(): void {
    for (const name of this.#entries.keys()) {
      if (!this.#used.has(name)) {
        throw new MarkError(
          `Cannot use ${this.#file}: its entry ${name} matches no ${this.#subject} argument; correct or remove it`,
        );
      }
    }
  }
}

/** Finds the kinds of fds and the directions of buffers. */
class Marks {
  readonly #fdKinds: MarkList<FdKind>;
  readonly #bufferDirections: MarkList<BufferDirection>;

  constructor({ fdKinds, bufferDirections }: Sources) {
    this.#fdKinds = new MarkList("fd_kinds.txt", "fd", fdKinds);
    this.#bufferDirections = new MarkList(
      "buffer_directions.txt",
      "wl_buffer",
      bufferDirections,
    );
  }

  take(
    name: string,
    argument: ArgumentFacts,
    place: string,
  ): FdKind | BufferDirection | null {
    if (argument.type === "fd") {
      return this.#fdKinds.take(name, place);
    }
    if (argument.type === "object" && argument.interface === "wl_buffer") {
      return this.#bufferDirections.take(name, place);
    }
    return null;
  }

  requireAllUsed(): void {
    this.#fdKinds.requireAllUsed();
    this.#bufferDirections.requireAllUsed();
  }
}

function checkExposure(
  exposure: ReadonlyMap<string, number>,
  known: ReadonlyMap<string, Definition>,
): void {
  for (const [name, version] of exposure) {
    const definition = known.get(name);
    if (definition === undefined) {
      throw new MarkError(
        `Cannot use exposure.txt: no protocol file defines ${name}`,
      );
    }
    if (version > definition.facts.version) {
      throw new MarkError(
        `Cannot use exposure.txt: ${name} ${version} is newer than version ${definition.facts.version} of ${definition.file}`,
      );
    }
  }
}

/** Orders by code units, so that the output does not depend on a locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

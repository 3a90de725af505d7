/**
 * The facts of one protocol file: what `wayland-scanner` reads of it, without
 * its prose. Format: wayland's doc/book "Protocol XML" and wayland.dtd of the
 * wayland sources.
 */

import { parseXml, XmlElement } from "@rgrove/parse-xml";

/** The wire types, as the XML writes them. */
const WIRE_TYPES = [
  "int",
  "uint",
  "fixed",
  "string",
  "array",
  "object",
  "new_id",
  "fd",
] as const;

/** One of the wire types. */
export type WireType = (typeof WIRE_TYPES)[number];

/**
 * `<arg>`; `interface` is null for ids of any interface, `enumeration` is as
 * written, so perhaps without its interface.
 */
export interface ArgumentFacts {
  readonly name: string;
  readonly type: WireType;
  readonly interface: string | null;
  readonly nullable: boolean;
  readonly enumeration: string | null;
}

/** `<request>` or `<event>`. */
export interface MessageFacts {
  readonly name: string;
  readonly destructor: boolean;
  readonly since: number;
  readonly arguments: readonly ArgumentFacts[];
}

/** `<entry>`. */
export interface EntryFacts {
  readonly name: string;
  readonly value: number;
  readonly since: number;
}

/** `<enum>`. */
export interface EnumFacts {
  readonly name: string;
  readonly bitfield: boolean;
  readonly since: number;
  readonly entries: readonly EntryFacts[];
}

/** `<interface>`. */
export interface InterfaceFacts {
  readonly name: string;
  readonly version: number;
  readonly requests: readonly MessageFacts[];
  readonly events: readonly MessageFacts[];
  readonly enums: readonly EnumFacts[];
}

/**
 * `<protocol>`, with the terms it is under: its `<copyright>`, or the comment
 * that holds them.
 */
export interface ProtocolFacts {
  readonly name: string;
  readonly copyright: string;
  readonly interfaces: readonly InterfaceFacts[];
}

/** A protocol file that says something else than the format allows. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/**
 * Reads the facts of a protocol file.
 *
 * @param file the name used in errors
 * @throws {ProtocolError} when the file is not well-formed or not a protocol
 */
export function parseProtocol(text: string, file: string): ProtocolFacts {
  const document = readDocument(text, file);
  const root = document.root;
  if (root?.name !== "protocol") {
    throw new ProtocolError(
      `Cannot read ${file}: its root is <${root?.name ?? ""}>, not <protocol>`,
    );
  }
  const stated = children(root, "copyright").map((child) => child.text);
  const comments = document.comments.filter((comment) =>
    /copyright|licen[cs]e/i.test(comment)
  );
  return {
    name: attribute(root, "name", file),
    copyright: trimLines((stated.length > 0 ? stated : comments).join("\n\n")),
    interfaces: children(root, "interface").map((child) =>
      parseInterface(child, file)
    ),
  };
}

interface Document {
  readonly root: XmlElement | null;
  readonly comments: readonly string[];
}

function readDocument(text: string, file: string): Document {
  try {
    const document = parseXml(text, { preserveComments: true });
    const nodes = [...document.children, ...(document.root?.children ?? [])];
    return {
      root: document.root,
      comments: nodes.flatMap((node) =>
        "content" in node && typeof node.content === "string" &&
          node.type === "comment"
          ? [node.content]
          : []
      ),
    };
  } catch (error) {
    throw new ProtocolError(`Cannot read ${file}: it is not well-formed XML`, {
      cause: error,
    });
  }
}

function parseInterface(element: XmlElement, file: string): InterfaceFacts {
  const name = attribute(element, "name", file);
  const place = `${file}, ${name}`;
  return {
    name,
    version: positive(attribute(element, "version", place), place),
    requests: children(element, "request").map((child) =>
      parseMessage(child, place)
    ),
    events: children(element, "event").map((child) =>
      parseMessage(child, place)
    ),
    enums: children(element, "enum").map((child) => parseEnum(child, place)),
  };
}

function parseMessage(
  element: XmlElement,
  interfacePlace: string,
): MessageFacts {
  const name = attribute(element, "name", interfacePlace);
  const place = `${interfacePlace}.${name}`;
  const type = element.attributes["type"] ?? "";
  if (type !== "" && type !== "destructor") {
    throw new ProtocolError(`Cannot read ${place}: unknown type "${type}"`);
  }
  return {
    name,
    destructor: type === "destructor",
    since: positive(element.attributes["since"] ?? "1", place),
    arguments: children(element, "arg").map((child) =>
      parseArgument(child, place)
    ),
  };
}

function parseArgument(
  element: XmlElement,
  messagePlace: string,
): ArgumentFacts {
  const name = attribute(element, "name", messagePlace);
  const place = `${messagePlace}, argument ${name}`;
  const written = attribute(element, "type", place);
  const type = WIRE_TYPES.find((known) => known === written);
  if (type === undefined) {
    throw new ProtocolError(`Cannot read ${place}: unknown type "${written}"`);
  }
  return {
    name,
    type,
    interface: element.attributes["interface"] ?? null,
    nullable: element.attributes["allow-null"] === "true",
    enumeration: element.attributes["enum"] ?? null,
  };
}

function parseEnum(element: XmlElement, interfacePlace: string): EnumFacts {
  const name = attribute(element, "name", interfacePlace);
  const place = `${interfacePlace}.${name}`;
  return {
    name,
    bitfield: element.attributes["bitfield"] === "true",
    since: positive(element.attributes["since"] ?? "1", place),
    entries: children(element, "entry").map((child) => ({
      name: attribute(child, "name", place),
      value: number(attribute(child, "value", place), place),
      since: positive(child.attributes["since"] ?? "1", place),
    })),
  };
}

function children(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child): child is XmlElement =>
    child instanceof XmlElement && child.name === name
  );
}

function attribute(element: XmlElement, name: string, place: string): string {
  const value = element.attributes[name];
  if (value === undefined || value === "") {
    throw new ProtocolError(
      `Cannot read ${place}: <${element.name}> has no ${name}`,
    );
  }
  return value;
}

function number(text: string, place: string): number {
  const value = /^-?(0x[0-9a-f]+|[0-9]+)$/i.test(text)
    ? text.startsWith("-") ? -Number(text.slice(1)) : Number(text)
    : NaN;
  if (!(value >= -0x8000_0000 && value <= 0xffff_ffff)) {
    throw new ProtocolError(`Cannot read ${place}: "${text}" is not a number`);
  }
  return value;
}

function positive(text: string, place: string): number {
  const value = number(text, place);
  if (value < 1) {
    throw new ProtocolError(`Cannot read ${place}: version "${text}"`);
  }
  return value;
}

function trimLines(text: string): string {
  return text.split("\n").map((line) => line.trim()).join("\n").trim();
}

/**
 * Writes the facts of a protocol as XML that wayland-scanner and
 * `generator/facts.ts` read alike.
 */

import type {
  ArgumentFacts,
  EnumFacts,
  InterfaceFacts,
  MessageFacts,
  ProtocolFacts,
} from "../generator/facts.ts";

/**
 * Encodes a protocol's facts.
 *
 * @param origin where the facts come from, for the comment at the top
 */
export function encodeProtocol(facts: ProtocolFacts, origin: string): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<!-- The facts of ${origin}; written by \`deno task import\`. -->`,
    `<protocol${attributes({ name: facts.name })}>`,
    "  <copyright>",
    ...facts.copyright.split("\n").map((line) =>
      line === "" ? "" : `    ${escape(line)}`
    ),
    "  </copyright>",
    ...facts.interfaces.flatMap(encodeInterface),
    "</protocol>",
    "",
  ].join("\n");
}

function encodeInterface(facts: InterfaceFacts): string[] {
  return [
    "",
    `  <interface${attributes({ name: facts.name, version: facts.version })}>`,
    ...facts.requests.flatMap((message) => encodeMessage("request", message)),
    ...facts.events.flatMap((message) => encodeMessage("event", message)),
    ...facts.enums.flatMap(encodeEnum),
    "  </interface>",
  ];
}

function encodeMessage(
  element: "request" | "event",
  facts: MessageFacts,
): string[] {
  return encodeElement(
    `${element}${
      attributes({
        name: facts.name,
        type: facts.destructor ? "destructor" : null,
        since: facts.since > 1 ? facts.since : null,
      })
    }`,
    element,
    facts.arguments.map(encodeArgument),
  );
}

function encodeArgument(facts: ArgumentFacts): string {
  return `<arg${
    attributes({
      name: facts.name,
      type: facts.type,
      interface: facts.interface,
      "allow-null": facts.nullable ? "true" : null,
      enum: facts.enumeration,
    })
  }/>`;
}

function encodeEnum(facts: EnumFacts): string[] {
  return encodeElement(
    `enum${
      attributes({
        name: facts.name,
        bitfield: facts.bitfield ? "true" : null,
        since: facts.since > 1 ? facts.since : null,
      })
    }`,
    "enum",
    facts.entries.map((entry) =>
      `<entry${
        attributes({
          name: entry.name,
          value: entry.value,
          since: entry.since > 1 ? entry.since : null,
        })
      }/>`
    ),
  );
}

function encodeElement(
  opening: string,
  name: string,
  content: readonly string[],
): string[] {
  if (content.length === 0) {
    return [`    <${opening}/>`];
  }
  return [
    `    <${opening}>`,
    ...content.map((line) => `      ${line}`),
    `    </${name}>`,
  ];
}

function attributes(values: Record<string, string | number | null>): string {
  return Object.entries(values).map(([name, value]) =>
    value === null
      ? ""
      : ` ${name}="${escape(String(value)).replaceAll('"', "&quot;")}"`
  ).join("");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

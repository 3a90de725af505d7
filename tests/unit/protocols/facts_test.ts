/** Reading protocol XML, and writing its facts back without the prose. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { parseProtocol } from "../../../protocols/generator/facts.ts";
import { encodeProtocol } from "../../../protocols/importer/encode.ts";
import { parseSources } from "../../../protocols/importer/sources.ts";

const XML = new URL("../../../protocols/xml/", import.meta.url);

const WITH_PROSE = `<?xml version="1.0"?>
<protocol name="echo">
  <copyright><![CDATA[
    Copyright © 2026 Someone <someone@example.org>

    Free as "air" & water.
  ]]></copyright>
  <description summary="a secret">Long secret.</description>
  <interface name="echo" version="2">
    <description summary="a secret">Long secret.</description>
    <request name="send" type="destructor" since="2">
      <description summary="a secret">Long secret.</description>
      <arg name="id" type="new_id" summary="a secret"/>
      <arg name="mode" type="uint" enum="mode" summary="a secret"/>
      <arg name="who" type="object" interface="echo" allow-null="true"/>
    </request>
    <event name="done"/>
    <enum name="mode" bitfield="true">
      <entry name="loud" value="0x10" summary="a secret" since="2"/>
      <entry name="low" value="-1"/>
    </enum>
  </interface>
</protocol>`;

Deno.test("importing keeps a protocol's facts and terms, and none of its prose", () => {
  const facts = parseProtocol(WITH_PROSE, "echo.xml");
  const encoded = encodeProtocol(facts, "echo.xml in echo 1.0");
  assert.deepEqual(parseProtocol(encoded, "copy"), facts);
  assert.equal(encoded.includes("secret"), false);
  assert.equal(
    facts.copyright,
    'Copyright © 2026 Someone <someone@example.org>\n\nFree as "air" & water.',
  );
  assert.ok(
    encoded.includes("Copyright © 2026 Someone &lt;someone@example.org&gt;"),
  );
  assert.ok(encoded.includes("echo.xml in echo 1.0"));
  const bare = { interface: null, nullable: false, enumeration: null };
  assert.deepEqual(facts.interfaces, [{
    name: "echo",
    version: 2,
    requests: [{
      name: "send",
      destructor: true,
      since: 2,
      arguments: [
        { ...bare, name: "id", type: "new_id" },
        { ...bare, name: "mode", type: "uint", enumeration: "mode" },
        {
          ...bare,
          name: "who",
          type: "object",
          interface: "echo",
          nullable: true,
        },
      ],
    }],
    events: [{ name: "done", destructor: false, since: 1, arguments: [] }],
    enums: [{
      name: "mode",
      bitfield: true,
      since: 1,
      entries: [
        { name: "loud", value: 16, since: 2 },
        { name: "low", value: -1, since: 1 },
      ],
    }],
  }]);
});

Deno.test("terms that stand in a comment are kept as well", () => {
  const text =
    '<!-- just a note --><protocol name="x"><!-- Copyright 2026 Someone --></protocol>';
  assert.equal(parseProtocol(text, "x").copyright, "Copyright 2026 Someone");
});

Deno.test("every imported file states its terms and has no prose", () => {
  const files = readdirSync(XML, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".xml"));
  assert.ok(files.length >= 100);
  for (const file of files) {
    const text = readFileSync(new URL(file, XML), "utf8");
    assert.notEqual(parseProtocol(text, file).copyright, "", file);
    assert.doesNotMatch(text, /<description| summary=/, file);
  }
});

const MALFORMED: Readonly<Record<string, string>> = {
  "text that is no XML": "<protocol",
  "another root": "<node/>",
  "a protocol without a name": "<protocol/>",
  "an interface without a version":
    '<protocol name="p"><interface name="i"/></protocol>',
  "version 0":
    '<protocol name="p"><interface name="i" version="0"/></protocol>',
  "an unknown type of argument":
    '<protocol name="p"><interface name="i" version="1"><event name="e"><arg name="a" type="long"/></event></interface></protocol>',
  "an unknown type of message":
    '<protocol name="p"><interface name="i" version="1"><event name="e" type="constructor"/></interface></protocol>',
  "an entry that is not a number":
    '<protocol name="p"><interface name="i" version="1"><enum name="e"><entry name="a" value="many"/></enum></interface></protocol>',
  "an entry past 32 bits":
    '<protocol name="p"><interface name="i" version="1"><enum name="e"><entry name="a" value="0x100000000"/></enum></interface></protocol>',
};

for (const [what, text] of Object.entries(MALFORMED)) {
  Deno.test(`reading a protocol refuses ${what}`, () => {
    assert.throws(() => parseProtocol(text, "file.xml"), {
      name: "ProtocolError",
      message: /^Cannot read file\.xml/,
    });
  });
}

Deno.test("the list of packages says what to take and what to leave out", () => {
  const { sources, excluded } = parseSources(
    "# a comment\n\nbinary one usr/share/one/ first\nsource two two.xml second GPL-2.0 or later # why\nexclude first/old.xml\n",
  );
  assert.deepEqual(sources, [
    {
      type: "binary",
      packageName: "one",
      path: "usr/share/one/",
      folder: "first",
      terms: "",
    },
    {
      type: "source",
      packageName: "two",
      path: "two.xml",
      folder: "second",
      terms: "GPL-2.0 or later",
    },
  ]);
  assert.deepEqual([...excluded], ["first/old.xml"]);
});

for (const line of ["binary one", "tarball a b c", "exclude a b"]) {
  Deno.test(`the list of packages refuses "${line}"`, () => {
    assert.throws(() => parseSources(`# first\n${line}`), {
      name: "SourceListError",
      message: /^Cannot read sources\.txt line 2/,
    });
  });
}

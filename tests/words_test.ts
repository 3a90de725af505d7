/**
 * Plain English in every file that git knows: words that a reader stumbles
 * over, each with a better one; and one width of comments.
 */
import { strict as assert } from "node:assert";

const root = new URL("../", import.meta.url).pathname;

/**
 * What the list does not apply to: text of others, what a program made of it,
 * and this list.
 */
const excluded = [
  "protocols/xml/",
  "protocols/generated/",
  "tests/words_test.ts",
];

/** A word to avoid. */
interface Habit {
  readonly pattern: RegExp;
  /** What to write instead. */
  readonly better: string;
  /** Whether the pattern is of a whole line, a comment that says nothing. */
  readonly isWhole?: boolean;
  /** The folders where the word is wrong; everywhere, where there are none. */
  readonly folders?: readonly string[];
}

const habits: readonly Habit[] = [
  { pattern: /\bdear(er|est)?\b/i, better: "expensive" },
  { pattern: /\bfor ever\b/i, better: "forever" },
  { pattern: /\bmend(s|ed|ing)?\b/i, better: "fix" },
  { pattern: /\bwhoever has it\b/i, better: "the owner" },
  { pattern: /\bsuch an? one\b/i, better: "name the thing" },
  {
    pattern: /(?<!\b(there|here) )\b(is|are|was|were) none\b/i,
    better: "is not a …",
  },
  { pattern: /\bof (no )?use as\b/i, better: "usable as, useless as" },
  { pattern: /\brows one after another\b/i, better: "linear" },
  {
    pattern: /\b(is|are|was|were|be) had\b/i,
    better: "say who gets, makes or allocates it",
  },
  {
    pattern: /\bmoments? of (presentation|the host)\b/i,
    better: "presentation time, timestamp",
  },
  {
    pattern:
      /(?<!\b(instead|ahead|which) )\bof the host's(?=[.,;:)]| (that|which|is|are|for)\b)/i,
    better: "host memory, a pipe of the host",
  },
  {
    pattern:
      /\bso many (bytes|milliseconds|seconds|times|sends|pieces|round trips|surfaces|scales)\b(?! that)/i,
    better: "N bytes, this many bytes",
  },
  {
    pattern: /\bpictures?\b/i,
    better: "image, buffer",
    folders: ["src/host/", "src/relay/", "src/virtgpu/"],
  },
  {
    pattern:
      /^\s*(\/\/|\/?\*\*?)\s*(One( of them| of these| \S+'s)?|The \w+)\.\s*(\*\/)?$/,
    better: "what it is for, or no comment",
    isWhole: true,
  },
];

/** The files that git knows, as text. */
async function* texts(): AsyncGenerator<{ file: string; text: string }> {
  const { success, stdout } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd: root,
  }).output();
  assert.ok(success, "git knows no files here");
  for (const file of new TextDecoder().decode(stdout).split("\0")) {
    if (file === "" || excluded.some((start) => file.startsWith(start))) {
      continue;
    }
    const text = await Deno.readTextFile(root + file).catch(() => null);
    if (text !== null) yield { file, text };
  }
}

/** The habits in a file: `src/a.ts:3: "for ever": write forever`. */
function findings(file: string, text: string): string[] {
  const applying = habits.filter(({ folders }) =>
    folders === undefined || folders.some((folder) => file.startsWith(folder))
  );
  const lines = text.split("\n");
  return lines.flatMap((line, index) => {
    // a phrase may go on in the next line of a comment
    const before = `${lines[index - 1] ?? ""} `;
    const after = (lines[index + 1] ?? "").replace(/^\s*(\*|\/\/|#)?\s*/, "");
    const passage = before + line.replace(/^\s*(\*(?!\/)|\/\/|#)\s*/, "");
    return applying.flatMap(({ pattern, better, isWhole = false }) => {
      const found = isWhole
        ? pattern.exec(line)
        : firstFrom(pattern, `${passage} ${after}`, before.length);
      if (found === null || (!isWhole && found.index >= passage.length)) {
        return [];
      }
      return [`${file}:${index + 1}: "${found[0].trim()}": write ${better}`];
    });
  });
}

/** The first match that begins at `start` or later. */
function firstFrom(
  pattern: RegExp,
  text: string,
  start: number,
): RegExpExecArray | null {
  const searching = new RegExp(pattern, `${pattern.flags}g`);
  searching.lastIndex = start;
  return searching.exec(text);
}

Deno.test("no file has words that a reader stumbles over", async () => {
  const found: string[] = [];
  for await (const { file, text } of texts()) {
    found.push(...findings(file, text));
  }
  assert.deepEqual(found, []);
});

/** Columns of code, which `deno fmt` keeps to, and of comments. */
const WIDTH = 80;

/** Comments that are wider, but for prototypes of C, which stand in one line. */
function wideComments(file: string, text: string): string[] {
  return text.split("\n").flatMap((line, index) =>
    /^\s*(\/\/|\/\*|\*)/.test(line) && [...line].length > WIDTH &&
      !/^\s*\/\/ <[\w/]+\.h>/.test(line)
      ? [`${file}:${index + 1}: ${[...line].length} columns`]
      : []
  );
}

Deno.test("comments are as wide as code", async () => {
  const found: string[] = [];
  for await (const { file, text } of texts()) {
    if (file.endsWith(".ts")) found.push(...wideComments(file, text));
  }
  assert.deepEqual(found, []);
  const long = "x".repeat(WIDTH);
  assert.equal(wideComments("a.ts", `// ${long}\n * ${long}`).length, 2);
  assert.equal(wideComments("a.ts", `// <fcntl.h> ${long}`).length, 0);
  assert.equal(wideComments("a.ts", `run("${long}");`).length, 0);
});

Deno.test("the words to avoid are found, and others are left alone", () => {
  const examples: readonly (readonly [string, number])[] = [
    ["this is dear, and lasts for ever", 2],
    ["to mend it", 1],
    ["we recommend to amend the endearing forevermore", 0],
    ["null where it is none", 1],
    ["null where there is none", 0],
    [" * null where there\n * is none", 0],
    [" * null where it\n * is none", 1],
    ["// it lasts for\n// ever", 1],
    ["/** One of them. */", 1],
    ["  /** One client's. */", 1],
    ["// The list.", 1],
    ["/** One line of the list. */", 0],
    ["/** The list of features. */", 0],
    ["memory of the host's, which", 1],
    ["memory of the host's GPU, which", 0],
  ];
  for (const [line, count] of examples) {
    assert.equal(findings("src/a.ts", line).length, count, line);
  }
  assert.equal(findings("src/relay/a.ts", "a picture").length, 1);
  assert.equal(findings("tests/a.ts", "a picture").length, 0);
});

/** docs/features.md, which a task makes of the list of features. */
import assert from "node:assert/strict";
import { featuresPage } from "../../../../scripts/features.ts";

/** The words of a page: `deno fmt` breaks its lines elsewhere. */
function words(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

Deno.test("docs/features.md says which features see which message, and in which order", () => {
  const page = new URL("../../../../docs/features.md", import.meta.url);
  assert.equal(
    words(Deno.readTextFileSync(page)),
    words(featuresPage()),
    "run `deno task features`",
  );
});

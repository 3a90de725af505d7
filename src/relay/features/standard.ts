/** The features of an ordinary client's relay, in the order in which they are asked. */
import type { Feature } from "../feature.ts";
import { inertClipboard } from "./inert_clipboard.ts";
import { sharedMemory } from "./shared_memory.ts";
import { titleTag } from "./title_tag.ts";

/** What the user decides about features. */
export interface FeatureOptions {
  /** In front of every title; may be empty. */
  readonly tag: string;
}

/** The list. */
export function standardFeatures(options: FeatureOptions): readonly Feature[] {
  return [titleTag(options.tag), sharedMemory, inertClipboard];
}

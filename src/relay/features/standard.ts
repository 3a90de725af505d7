/**
 * The features of an ordinary client's relay, in the order in which the relay
 * asks them.
 */
import type { Feature } from "../feature.ts";
import { CopyStatistics } from "./backing/mod.ts";
import { colourProfiles } from "./colour_profiles.ts";
import { gpuBuffers, gpuFeedback } from "./dmabuf/mod.ts";
import { inertClipboard } from "./inert_clipboard.ts";
import { pendingState, surfaces } from "./surface/mod.ts";
import { presentationClock } from "./presentation/mod.ts";
import { shadowedMemory } from "./shadow/mod.ts";
import { sharedMemoryCheck } from "./shm/mod.ts";
import { titleTag } from "./title_tag.ts";

/** What the user decides about features. */
export interface FeatureOptions {
  /** In front of every title; may be empty. */
  readonly tag: string;
  /** Counts what is copied to a host that cannot see the client's memory. */
  readonly statistics?: CopyStatistics;
}

/**
 * All features. Their order is part of their meaning: the first feature that
 * does not forward a message decides, and those after it do not see the
 * message.
 *
 * docs/features.md has the messages that each of them sees.
 */
export function standardFeatures(options: FeatureOptions): readonly Feature[] {
  return [
    // The only one that sees titles.
    titleTag(options.tag),
    // Anywhere: the relay checks descriptors before it asks any handler.
    sharedMemoryCheck,
    // The only one that sees drags.
    inertClipboard,
    // Before the presentation clock, which takes requests that this one notes.
    pendingState,
    // Before the feature that ends a commit: it may put a request of its own in
    // front of one.
    presentationClock(),
    // Before the shadows, which take `attach`.
    surfaces,
    // The only one that sees colour profiles.
    colourProfiles,
    // The only one that sees feedback.
    gpuFeedback,
    // Before the shadows: it holds a commit until the GPU has drawn.
    gpuBuffers,
    // Last: it ends a commit, and clears what the surface had pending.
    shadowedMemory(options.statistics ?? new CopyStatistics()),
  ];
}

/** The features of an ordinary client's relay, in the order in which they are asked. */
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

/** The list. */
export function standardFeatures(options: FeatureOptions): readonly Feature[] {
  return [
    titleTag(options.tag),
    sharedMemoryCheck,
    inertClipboard,
    pendingState,
    presentationClock(),
    surfaces,
    colourProfiles,
    gpuFeedback,
    gpuBuffers,
    shadowedMemory(options.statistics ?? new CopyStatistics()),
  ];
}

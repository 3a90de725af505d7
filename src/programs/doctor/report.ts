/**
 * What doctor found: a list of findings in sections, and whether an application
 * would run.
 */
import type { Finding } from "../../virtgpu/find/mod.ts";

/** Whether an application would run, and by which command. */
export type Verdict =
  | "over virtio-gpu"
  | "on this machine's compositor"
  | "not at all";

/** What is printed. */
export interface Report {
  readonly sections: readonly {
    readonly title: string;
    readonly findings: readonly Finding[];
  }[];
  readonly verdict: Verdict;
  /**
   * Whether applications could be shown on the host, or else on this machine,
   * so that not all that is missing is needed.
   */
  readonly isChoice: boolean;
}

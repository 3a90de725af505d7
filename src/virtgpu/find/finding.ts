/** Results of the device check, worded for the user who has to fix them. */

/** The result for one thing that was checked. */
export interface Finding {
  /** "missing" keeps applications from running; "noted" does not. */
  readonly state: "present" | "missing" | "noted";
  /** What was checked, in a word or two. */
  readonly subject: string;
  /**
   * What was found; where it is missing, also what to do. A sentence without
   * its end.
   */
  readonly text: string;
}

/** Found, and as it has to be. */
export function present(subject: string, text: string): Finding {
  return { state: "present", subject, text };
}

/** Not found, or not usable. */
export function missing(subject: string, text: string): Finding {
  return { state: "missing", subject, text };
}

/** Good to know, and no more. */
export function noted(subject: string, text: string): Finding {
  return { state: "noted", subject, text };
}

/**
 * The reasons among findings, each once, as one sentence; empty where nothing
 * is missing.
 */
export function reasonsOf(findings: readonly Finding[]): string {
  const subjects = new Map<string, string[]>();
  for (const { state, subject, text } of findings) {
    if (state !== "missing") continue;
    subjects.set(text, [...subjects.get(text) ?? [], subject]);
  }
  return [...subjects].map(([text, of]) => `${text} (${of.join(", ")})`)
    .join("; ");
}

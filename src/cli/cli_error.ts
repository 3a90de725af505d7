/** The error that the command line reports by itself, without a stack trace. */

import type { HelpTopic } from "./invocation.ts";

/**
 * The command line is wrong: a usage line and the message are shown, and the
 * status is EXIT_USAGE.
 */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** Whose usage is to be shown. */
  readonly topic: HelpTopic | undefined;

  constructor(message: string, topic?: HelpTopic) {
    super(message);
    this.topic = topic;
  }
}

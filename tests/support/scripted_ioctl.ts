/**
 * The kernel's side of ioctl(2), as a script: it writes down what it is asked,
 * byte by byte, and answers with bytes.
 */
import { failWith, replaceLibc, type Replacement } from "./replaced_libc.ts";

/** One request, as the kernel has got it. */
export interface AskedRequest {
  readonly fd: number;
  readonly number: bigint;
  /** The argument, as many bytes as the number says that it has. */
  readonly bytes: string;
}

/**
 * What is answered: the argument's bytes as the kernel leaves them, an error
 * number, or what a function returns that gets the argument.
 */
export type Answer = string | number | ((argument: DataView) => number);

/**
 * One test file's kernel: modules with ioctl wrappers are to be imported after
 * it is made.
 */
export class ScriptedIoctl {
  /** All that was asked and not looked at yet. */
  #asked: AskedRequest[] = [];
  #answers: Answer[] = [];

  /** @param others functions that are replaced as well */
  constructor(others: Readonly<Record<string, Replacement>> = {}) {
    replaceLibc({
      ...others,
      ioctl: (fd: number, number: bigint, argument: Deno.PointerObject) =>
        this.#answer(fd, number, argument),
    });
  }

  /**
   * Sets what the next requests are answered with; those without an answer are
   * done, and their argument stays.
   */
  answer(...answers: Answer[]): void {
    this.#answers = answers;
  }

  /** What was asked since the last time. */
  asked(): AskedRequest[] {
    return this.#asked.splice(0);
  }

  #answer(
    fd: number,
    number: bigint,
    argument: Deno.PointerObject,
  ): number {
    const size = Number(number >> 16n & 0x3fffn);
    const memory = Deno.UnsafePointerView.getArrayBuffer(argument, size);
    const bytes = new Uint8Array(memory);
    this.#asked.push({ fd, number, bytes: bytes.toHex() });
    const answer = this.#answers.shift();
    if (typeof answer === "number") return failWith(answer);
    if (typeof answer === "string") bytes.setFromHex(answer);
    else if (answer !== undefined) return answer(new DataView(memory));
    return 0;
  }
}

/** The memory that a field of an argument points to. */
export function follow(
  argument: DataView,
  at: number,
  size: number,
): Uint8Array<ArrayBuffer> {
  const pointer = Deno.UnsafePointer.create(argument.getBigUint64(at, true));
  if (pointer === null) throw new Error(`the field at ${at} points nowhere`);
  return new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, size));
}

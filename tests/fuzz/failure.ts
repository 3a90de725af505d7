/** What the fuzzer found. */
export class FuzzFailure extends Error {
  override readonly name = "FuzzFailure";
}

/**
 * Waiting for things to become true. Time only ever decides that a test has
 * failed, never that it has passed.
 */

/** Resolves after `ms` milliseconds. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * The promise's value, or `undefined` when it has none after `timeoutMs`.
 * Leaves no timer behind.
 */
export async function waitAtMost<T>(
  promise: Promise<T>,
  timeoutMs: number,
): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Asks `probe` until it answers something other than `undefined`.
 * @throws when it has not after `timeoutMs`, naming `what` was waited for
 */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  while (true) {
    const value = await probe();
    if (value !== undefined) return value;
    if (performance.now() > deadline) {
      throw new Error(`Not within ${timeoutMs} ms: ${what}`);
    }
    await delay(40);
  }
}

/**
 * The resource, after `wait`; where that throws, the resource is disposed of.
 */
export async function whenReady<T extends AsyncDisposable>(
  resource: T,
  wait: (resource: T) => Promise<unknown>,
): Promise<T> {
  await using undo = new AsyncDisposableStack();
  undo.use(resource);
  await wait(resource);
  undo.move();
  return resource;
}

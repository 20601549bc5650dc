/** Node's own way to let everything happen that promises still have to do. Kept before `globals.ts` puts the world's in its place. */
const { setImmediate } = globalThis;

/** Everything that promises and `process.nextTick` still have to do is done when this resolves; no real I/O is under way. */
export function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

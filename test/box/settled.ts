/** What Node offers to let promises and ticks run. Kept before `globals.ts` puts the world's timers in the place of Node's. */
const { setImmediate } = globalThis;

/** Resolves when the event loop has turned. */
export function turned(run: () => void): void {
  setImmediate(run);
}

/**
 * Does at once everything that promises and `process.nextTick` still have to do, and throws what they throw. Only for code that no
 * promise runs. Node has no other name for it, and a turn of the event loop for each happening costs ten times as much.
 */
export const settle = (process as unknown as { readonly _tickCallback: () => void })._tickCallback;

/**
 * Waits for what comes without a word that a test could wait for. As patient as a test may be: how long it takes on a busy
 * machine is no concern of a test, so vitest's own waitFor, which gives up after a second, is used nowhere else.
 */
import { vi } from 'vitest';

/** Less than a test's own limit, so that what was still missing is told; ms. */
const PATIENCE = 280_000;

export interface WaitOptions {
  /** For a test that has more time than others; ms. */
  readonly timeout?: number;
  /** ms between two looks. */
  readonly interval?: number;
}

/** Resolves with what `check` returns, once it no longer throws or rejects. */
export function eventually<T>(check: () => T | Promise<T>, options: WaitOptions = {}): Promise<T> {
  return vi.waitFor(check, { timeout: PATIENCE, ...options });
}

/** Resolves once `isSo` is true. */
export async function until(isSo: () => boolean, options: WaitOptions = {}): Promise<void> {
  await vi.waitUntil(isSo, { timeout: PATIENCE, ...options });
}

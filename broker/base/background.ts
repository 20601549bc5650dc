/**
 * Runs work that nobody waits for, and logs what was not done when it fails. Almost always it fails because the store has
 * failed, which the store reports itself and which ends the process (`Stores.onFailure`).
 */
import type { Logger } from './logger.ts';

/** Resolves when the work is over, whatever came of it. */
export function inBackground(
  work: Promise<unknown>,
  logger: Logger,
  failure: string,
  fields: object = {},
): Promise<void> {
  return work.then(
    () => {},
    (error: unknown) => logger.error({ err: error, ...fields }, failure),
  );
}

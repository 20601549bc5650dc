/**
 * Work that nobody waits for. Almost always it fails because the store has failed. The store reports its failure itself,
 * and the process ends (`Stores.onFailure`); the log says here what was not done because of it.
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

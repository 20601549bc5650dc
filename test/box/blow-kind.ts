/** What a kind of blow is, and what several kinds have in common. */
import { forgetAll } from '../../broker/hub/fleet/device-registry.ts';
import type { Box } from './box.ts';
import type { Blow, BlowMaker, BlowParameters } from './plan.ts';
import type { SeededRandom } from './random.ts';

export interface BlowKind extends BlowMaker {
  strike(box: Box, blow: Blow): void;
}

/** A kind whose parameters are typed where it is written; as data they are plain. */
export function blowKind<Parameters extends BlowParameters>(kind: {
  readonly kind: string;
  readonly weight: number;
  make(random: SeededRandom, devices: number): Parameters;
  strike(box: Box, blow: Parameters): void;
}): BlowKind {
  return { ...kind, strike: (box, blow) => kind.strike(box, blow as unknown as Parameters) };
}

/** ms until a supervisor has started it again. */
export const back = (random: SeededRandom) => random.pick([50, 500, 2000, 30_000]);

/** Until it is answered, nobody knows whether the broker that runs shows the device. */
export function forget({ machine, uncertain, ears }: Box, customer: string, id: string): void {
  const name = `${customer}/${id}`;
  const asked = machine.ask(async ({ parts: { registry, fleet, ingest, stores, control } }) => {
    await forgetAll({ registry, fleet, ingest, state: stores.database, control }, customer, id);
  });
  if (!asked) return;
  uncertain.add(name);
  const forgotten = ears.forgetting(name);
  const certain = () => void uncertain.delete(name);
  asked.then(certain, certain);
  asked.then(forgotten, () => {});
  // Had it said nothing: what the database holds counts, and the next one reads it.
  machine.running?.process.onDeath(certain);
}

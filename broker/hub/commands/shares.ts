/**
 * Whether there is room for one more command: in the customer's share, in the share of the key that asks, and in all. So
 * nobody's full queue stops somebody else. Pure.
 */
import { HubRefusal } from '../refusal.ts';
import type { CommandLimits } from './admission.ts';

/** Commands that are not final. */
export interface Usage {
  readonly all: number;
  readonly ofCustomer: number;
  /** Of this customer's, those that the key asked for. */
  readonly ofKey: number;
}

/** Seconds after which it is worth another try: commands end by the second. */
const RETRY_AFTER = 10;

/** `asker`: an admin has a place even where the customer's own keys have taken all. Throws HubRefusal that names the limit. */
export function checkShares(usage: Usage, limits: CommandLimits, asker: 'admin' | 'other'): void {
  const { waiting, waitingPerCustomer, waitingPerKey, waitingGuaranteed } = limits;
  if (asker === 'admin' && usage.ofKey < waitingGuaranteed) return;
  if (usage.ofKey >= waitingPerKey) throw tooMany('of this key', 'commands.waitingPerKey', waitingPerKey);
  if (usage.ofCustomer >= waitingPerCustomer) {
    throw tooMany('of this customer', 'commands.waitingPerCustomer', waitingPerCustomer);
  }
  if (usage.all >= waiting && usage.ofCustomer >= waitingGuaranteed) {
    throw tooMany('in all', 'commands.waiting', waiting);
  }
}

/** `whose`: `of this device`. */
export function tooMany(whose: string, limit: string, value: number): HubRefusal {
  const detail = `The limit ${limit} of ${value} commands ${whose} that are not final is reached; cancel some, or wait.`;
  return new HubRefusal('too-many-commands', detail, { limit, retryAfter: RETRY_AFTER });
}

/** Whether a place will be free by itself, as others' commands end: no limit of the device's own. */
export function isShare({ code, limit }: HubRefusal): boolean {
  return code === 'too-many-commands' && limit !== 'commands.waitingPerDevice';
}

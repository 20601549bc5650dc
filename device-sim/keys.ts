/** Makes keys for simulated fleets over the HTTP API with an admin key, and revokes them at the end. */
import {
  type ApiAddress,
  type ApiClient,
  ApiRefusal,
  ApiUnreachable,
  answerOf,
  createApi,
} from '../schemas/api/client.ts';
import type { Key, NewKey } from '../schemas/api/keys.ts';
import type { FleetKey } from './run.ts';

export interface FleetKeys {
  readonly keys: readonly FleetKey[];
  /** Ends what was made here. Throws if the broker does not do it; the keys then end by themselves. */
  revoke(): Promise<void>;
}

export interface FleetKeysOptions {
  readonly url: string;
  /** An admin key, or the fleet key of one customer, which is then used as it is. */
  readonly key: string;
  readonly customers: readonly string[];
  /** Seconds after which the keys end even if nobody revokes them. */
  readonly expiresIn: number;
}

export class KeysError extends Error {
  override readonly name = 'KeysError';
  /** Of the answer; null: there was none. */
  readonly status: number | null;

  constructor(message: string, status: number | null = null) {
    super(message);
    this.status = status;
  }
}

/** Throws KeysError with the broker's reason, or if no broker answers; no key is left behind. */
export async function fleetKeys({ url, key, customers, expiresIn }: FleetKeysOptions): Promise<FleetKeys> {
  const made: Key[] = [];
  const revoke = async () => {
    for (const { id } of made.splice(0)) {
      await call({ url, key }, 'revoke a key', (api) =>
        api.DELETE('/keys/{id}', { params: { path: { id } } }),
      );
    }
  };
  try {
    for (const customer of customers) {
      const body = { customer, role: 'device', label: 'simulated fleet', expiresIn } as const;
      const answer = await create({ url, key }, body);
      if (answer === null) return { keys: [ownFleet(key, customers)], revoke };
      made.push(answer);
    }
  } catch (error) {
    await revoke();
    throw error;
  }
  return { keys: made.map(({ customer, key: secret = '' }) => ({ customer, key: secret })), revoke };
}

/** Not an admin's key: it may be a fleet's own. Throws KeysError if one fleet is not enough. */
function ownFleet(key: string, customers: readonly string[]): FleetKey {
  const [customer = 'fleet'] = customers;
  if (customers.length <= 1) return { customer, key };
  throw new KeysError(`An admin key is needed for ${customers.length} customers.`);
}

/** null: the key may not do this. */
async function create(address: ApiAddress, body: NewKey): Promise<Key | null> {
  try {
    return await call(address, 'make a key', (api) => api.POST('/keys', { body }));
  } catch (error) {
    if (error instanceof KeysError && error.status === 403) return null;
    throw error;
  }
}

async function call<Answer>(
  address: ApiAddress,
  what: string,
  ask: (api: ApiClient) => Promise<{ readonly data?: Answer }>,
): Promise<Answer> {
  try {
    return await answerOf(ask(createApi(address)));
  } catch (error) {
    if (error instanceof ApiUnreachable)
      throw new KeysError(`No broker answers at ${address.url} (${error.message}).`);
    if (!(error instanceof ApiRefusal)) throw error;
    const { status, problem } = error;
    const answer = `The broker did not ${what}: ${status}. ${problem?.detail ?? ''}`;
    throw new KeysError(answer.trim(), status);
  }
}

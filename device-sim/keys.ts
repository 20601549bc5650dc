/** Keys for simulated fleets, made over the HTTP API with an admin key and revoked at the end. */
import type { Key } from '../schemas/api/keys.ts';
import type { Problem } from '../schemas/problems.ts';
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

const ANSWER_WITHIN = 30_000;

export class KeysError extends Error {
  override readonly name = 'KeysError';
}

/** Throws KeysError with the broker's reason, or if no broker answers; no key is left behind. */
export async function fleetKeys({ url, key, customers, expiresIn }: FleetKeysOptions): Promise<FleetKeys> {
  const made: Key[] = [];
  const revoke = async () => {
    for (const { id } of made.splice(0)) await api(url, key, 'DELETE', `/keys/${encodeURIComponent(id)}`);
  };
  try {
    for (const customer of customers) {
      const answer = await create(url, key, {
        customer,
        role: 'device',
        label: 'simulated fleet',
        expiresIn,
      });
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
async function create(url: string, key: string, body: object): Promise<Key | null> {
  const response = await api(url, key, 'POST', '/keys', body);
  return response.status === 403 ? null : ((await response.json()) as Key);
}

/** The answer, if it worked or was a 403. Redirects are not followed: the key is for this broker only. */
async function api(url: string, key: string, method: string, path: string, body?: object): Promise<Response> {
  const json = body ? { 'Content-Type': 'application/json' } : {};
  const request = {
    method,
    headers: { Authorization: `Bearer ${key}`, ...json },
    redirect: 'manual' as const,
    signal: AbortSignal.timeout(ANSWER_WITHIN),
    ...(body ? { body: JSON.stringify(body) } : {}),
  };
  const response = await fetch(`${url}/api/v1${path}`, request).catch((error: unknown) => {
    throw new KeysError(`No broker answers at ${url} (${reasonOf(error)}).`);
  });
  if (response.ok || response.status === 403) return response;
  throw new KeysError(
    `${method} ${path} was answered with ${response.status}. ${await detail(response)}`.trim(),
  );
}

/** fetch hides the reason in the cause; several addresses that failed have a code and no message. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ('code' in cause ? String(cause.code) : cause.name);
}

/** The broker's sentence, if the answer is a broker's. */
async function detail(response: Response): Promise<string> {
  const text = await response.text();
  try {
    return (JSON.parse(text) as Partial<Problem>).detail ?? '';
  } catch (error) {
    if (error instanceof SyntaxError) return '';
    throw error;
  }
}

/** A request of every operation that an admin's key gets done, on things of the customer acme, made anew for each. */
import type { operations } from '../../schemas/api/paths.ts';
import type { AdminBench } from './api.ts';

export interface OperationRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

type Arrange = (bench: AdminBench, as: string) => OperationRequest | Promise<OperationRequest>;

const DEVICE = '/devices/acme/pump-7';

const request = (method: string, path: string, body?: unknown): OperationRequest => ({ method, path, body });

/** The id of what an admin has just made. */
async function made(bench: AdminBench, path: string, body: unknown): Promise<string> {
  bench.fleet.obtain('acme', 'pump-7');
  const answer = await bench.ask('POST', path, { as: 'boss', body });
  if (answer.status !== 201) throw new Error(`POST ${path}: ${JSON.stringify(answer.body)}`);
  return (answer.body as { readonly id: string }).id;
}

const aCommand = (bench: AdminBench) => made(bench, `${DEVICE}/commands`, { name: 'open', ttl: 60 });
const aJob = (bench: AdminBench) =>
  made(bench, '/commands', { select: { customer: 'acme' }, name: 'open', ttl: 60 });
const aKey = (bench: AdminBench) => made(bench, '/keys', { customer: 'acme' });

/** A request about the device that everything here is about. */
const ofDevice =
  (method: string, path = '', body?: unknown): Arrange =>
  (bench) => {
    bench.fleet.obtain('acme', 'pump-7');
    return request(method, DEVICE + path, body);
  };

/** `as`: the name of the key that asks, for logging in, where it is no header. */
export const REQUESTS: Readonly<Record<keyof operations, Arrange>> = {
  listCustomers: () => request('GET', '/customers'),
  listDevices: () => request('GET', '/devices'),
  getDevice: ofDevice('GET'),
  putDevice: ofDevice('PUT', '', { label: 'Pump 7' }),
  forgetDevice: ofDevice('DELETE'),
  getDeviceState: ofDevice('GET', '/state'),
  getDesiredState: ofDevice('GET', '/desired'),
  replaceDesiredState: ofDevice('PUT', '/desired', { mode: 'auto' }),
  patchDesiredState: ofDevice('PATCH', '/desired', { mode: 'auto' }),
  sendCommand: ofDevice('POST', '/commands', { name: 'open', ttl: 60 }),
  listCommands: ofDevice('GET', '/commands'),
  cancelWaitingCommands: ofDevice('DELETE', '/commands'),
  getCommand: async (bench) => request('GET', `/commands/${await aCommand(bench)}`),
  cancelCommand: async (bench) => request('DELETE', `/commands/${await aCommand(bench)}`),
  sendGroupCommand: () =>
    request('POST', '/commands', { select: { customer: 'acme' }, name: 'open', dryRun: true }),
  listJobs: () => request('GET', '/jobs'),
  getJob: async (bench) => request('GET', `/jobs/${await aJob(bench)}`),
  listJobOutcomes: async (bench) => request('GET', `/jobs/${await aJob(bench)}/devices`),
  cancelJob: async (bench) => request('DELETE', `/jobs/${await aJob(bench)}`),
  // It is not halted: who may ask hears so.
  resumeJob: async (bench) => request('POST', `/jobs/${await aJob(bench)}/resume`),
  listKeys: () => request('GET', '/keys'),
  createKey: () => request('POST', '/keys', { customer: 'acme' }),
  rotateKey: async (bench) => request('POST', `/keys/${await aKey(bench)}/rotate`, {}),
  revokeKey: async (bench) => request('DELETE', `/keys/${await aKey(bench)}`),
  logIn: (_bench, as) => request('POST', '/session', { key: `sbx_${as}` }),
  getSession: () => request('GET', '/session'),
  logOut: () => request('DELETE', '/session'),
  getStats: () => request('GET', '/stats'),
  listAuditEntries: () => request('GET', '/audit'),
};

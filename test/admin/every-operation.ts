/**
 * A use of every operation of the HTTP API, as a program with generated types writes it. It need not run: that it compiles
 * against what the served document gives is the test, and that no operation is left out.
 */
import createClient from 'openapi-fetch';
import type { components, operations, paths } from '../../schemas/api/paths.ts';

const api = createClient<paths>({ baseUrl: 'http://127.0.0.1:8080/api/v1' });
const device = { path: { customer: 'acme', device: 'pump-7' } };
const one = { path: { id: 'x' } };

type Problem = components['schemas']['Problem'];

/** A good answer is of its type, and so is a problem. */
function told({ error }: { readonly error?: Problem | undefined }): string {
  return error ? `${error.code}: ${error.detail}` : 'done';
}

export const USES: Readonly<Record<keyof operations, () => Promise<unknown>>> = {
  async listCustomers() {
    const { data, error } = await api.GET('/customers', { params: { query: { limit: 10 } } });
    return data ? data.items.map(({ customer, online }) => `${customer}: ${online}`) : told({ error });
  },
  async listDevices() {
    const query = { customer: 'acme', online: true, q: 'pump', sort: '-lastSeen', cursor: 'x' } as const;
    const { data } = await api.GET('/devices', { params: { query } });
    return data?.items.map(({ device, tags, asleep }) => [device, tags.join(), asleep?.until]);
  },
  async getDevice() {
    const { data } = await api.GET('/devices/{customer}/{device}', { params: device });
    const site: string | number | boolean | null | undefined = data?.meta?.site;
    return [data?.presence.state === 'online', data?.maxFrame, site];
  },
  async putDevice() {
    const body = { label: 'Pump 7', tags: ['north'], notes: null };
    const { data } = await api.PUT('/devices/{customer}/{device}', { params: device, body });
    return data?.label;
  },
  async forgetDevice() {
    const { error, response } = await api.DELETE('/devices/{customer}/{device}', { params: device });
    return response.status === 204 ? 'forgotten' : told({ error });
  },
  async getDeviceState() {
    const { data } = await api.GET('/devices/{customer}/{device}/state', { params: device });
    return Object.entries(data?.values ?? {}).map(([name, { value, at }]) => [name, value, at + 1]);
  },
  async getDesiredState() {
    const { data } = await api.GET('/devices/{customer}/{device}/desired', { params: device });
    const mode: unknown = data?.desired?.values.mode;
    return [mode, Object.values(data?.difference ?? {}).map(({ desired, reported }) => [desired, reported])];
  },
  async replaceDesiredState() {
    const params = { ...device, header: { 'if-match': '"3"' } };
    const body = { mode: 'auto', limits: { high: 80 } };
    const { data, error } = await api.PUT('/devices/{customer}/{device}/desired', { params, body });
    return data ? data.inSync : told({ error });
  },
  async patchDesiredState() {
    const { data } = await api.PATCH('/devices/{customer}/{device}/desired', {
      params: device,
      body: { mode: null },
      headers: { 'Content-Type': 'application/merge-patch+json' },
    });
    return data?.desired?.version;
  },
  async sendCommand() {
    const path = '/devices/{customer}/{device}/commands';
    const { data, error } = await api.POST(path, { params: device, body: { name: 'open', ttl: '60s' } });
    return data ? data.timeline.map(({ status, at }) => `${at} ${status}`) : told({ error });
  },
  async listCommands() {
    const { data } = await api.GET('/devices/{customer}/{device}/commands', { params: device });
    return data?.items.map(({ id, waitingFor = '' }) => `${id} ${waitingFor}`);
  },
  async cancelWaitingCommands() {
    const { data } = await api.DELETE('/devices/{customer}/{device}/commands', { params: device });
    return data && data.cancelled + 1;
  },
  async getCommand() {
    const { data } = await api.GET('/commands/{id}', { params: { ...one, query: { customer: 'acme' } } });
    return data?.status === 'done' ? data.result : data?.endedAt;
  },
  async cancelCommand() {
    const { data } = await api.DELETE('/commands/{id}', { params: one });
    return data?.status;
  },
  async sendGroupCommand() {
    const body = { select: { customer: 'acme', devices: ['pump-7'] }, name: 'open', args: { by: 0.5 } };
    const { data } = await api.POST('/commands', { body });
    if (data && 'dryRun' in data) return data.devices;
    return data?.id;
  },
  async listJobs() {
    const { data } = await api.GET('/jobs');
    return [data?.items.map(({ counts }) => counts.done ?? 0), data?.next];
  },
  async getJob() {
    const { data } = await api.GET('/jobs/{id}', { params: one });
    return data?.status === 'halted' ? data.reason : data?.waiting;
  },
  async listJobOutcomes() {
    const { data } = await api.GET('/jobs/{id}/devices', { params: { ...one, query: { limit: 1000 } } });
    return data?.items.map(({ device, command }) => [device, command?.timeline.length]);
  },
  async cancelJob() {
    return (await api.DELETE('/jobs/{id}', { params: one })).data?.endedAt;
  },
  async resumeJob() {
    return told(await api.POST('/jobs/{id}/resume', { params: one }));
  },
  async listKeys() {
    const { data } = await api.GET('/keys', { params: { query: { customer: 'acme' } } });
    return data?.items.filter(({ role }) => role === 'device').map(({ lastUsedAt = 0 }) => lastUsedAt);
  },
  async createKey() {
    const { data } = await api.POST('/keys', { body: { customer: 'acme', expiresIn: 3600 } });
    return data?.key;
  },
  async rotateKey() {
    const { data } = await api.POST('/keys/{id}/rotate', { params: one, body: {} });
    return data?.key;
  },
  async revokeKey() {
    return told(await api.DELETE('/keys/{id}', { params: one }));
  },
  async logIn() {
    const { data } = await api.POST('/session', { body: { key: 'sbx_' } });
    return data?.expiresAt;
  },
  async getSession() {
    return (await api.GET('/session')).data?.role;
  },
  async logOut() {
    return told(await api.DELETE('/session'));
  },
  async getStats() {
    const { data } = await api.GET('/stats');
    return [data?.devices.online, data?.broker?.closes.heartbeat];
  },
  async listAuditEntries() {
    const { data } = await api.GET('/audit', { params: { query: { action: 'key.', from: 0 } } });
    return data?.items.map(({ detail, outcome }) => [detail?.role, outcome]);
  },
};

/**
 * A broker's HTTP side on a port of its own, over the real hub on a database in memory; every answer is held against the OpenAPI
 * document. Devices have no sockets: the test says what they say.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { FailedAttempts } from '../../broker/access/failed-attempts.ts';
import type { AdminParts } from '../../broker/admin/parts.ts';
import { AdminServer } from '../../broker/admin/server.ts';
import { type NumberedAuditRow, WHOLE_AUDIT } from '../../broker/hub/audit/audit.ts';
import { DeviceControl } from '../../broker/hub/control.ts';
import { Counters } from '../../broker/hub/counters.ts';
import { DeviceRegistry } from '../../broker/hub/fleet/device-registry.ts';
import { Fleet } from '../../broker/hub/fleet/fleet.ts';
import { Revisions } from '../../broker/hub/fleet/revisions.ts';
import { positionOf } from '../../broker/store/position.ts';
import { openMemoryDatabase } from '../../broker/store/sqlite/database.ts';
import { FRAME, type Value, type ValueMap } from '../../broker/wire/frames.ts';
import type { Stats } from '../../schemas/api.ts';
import { RESULT, rest } from '../commands/world.ts';
import { FakeClock } from '../helpers/clock.ts';
import { testConfig } from '../helpers/config.ts';
import { type LogLine, recordingLog } from '../helpers/log.ts';
import { type Answer, Documented, type OpenApi } from './documented.ts';
import { FakeBrowserSessions, FakeKeys, keyRow } from './fakes.ts';
import { someStats } from './some-stats.ts';

export interface Ask {
  /** The key's id, sent as `Authorization: Bearer sbx_<id>`. */
  readonly as?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; a string as it is. */
  readonly body?: unknown;
}

/** `boss` is admin; `olga` and `vera` are acme's operator and viewer, `zoe` beta's viewer, `pump` a device of acme. */
const KEYS = [
  keyRow('boss', 'admin', '*', { createdAt: 1 }),
  keyRow('olga', 'operator', 'acme', { createdAt: 2 }),
  keyRow('vera', 'viewer', 'acme', { createdAt: 3, label: 'wall screen' }),
  keyRow('zoe', 'viewer', 'beta', { createdAt: 4 }),
  keyRow('pump', 'device', 'acme', { createdAt: 5, device: 'pump-7', lastUsedAt: 900 }),
  keyRow('gone', 'admin', '*', { createdAt: 6, revokedAt: 7 }),
];

export type Overrides = Partial<Omit<AdminParts, 'config'>> & {
  /** Of the configuration's `commands`. */
  readonly limits?: Partial<ReturnType<typeof testConfig>['commands']>;
  readonly server?: Partial<AdminParts['config']['server']>;
};

export class AdminBench {
  readonly clock = new FakeClock();
  readonly fleet = new Fleet(new Revisions(1));
  readonly database = openMemoryDatabase();
  readonly registry = new DeviceRegistry({
    store: this.database,
    fleet: this.fleet,
    clock: this.clock,
    limits: { devicesPerCustomer: 3 },
  });
  readonly keys = new FakeKeys(this.clock, KEYS);
  readonly browserSessions = new FakeBrowserSessions(this.clock);
  readonly control: DeviceControl;
  readonly log: LogLine[] = [];
  readonly forgotten: string[] = [];
  readonly admin: AdminServer;
  documented: Documented | null = null;
  private readonly server: Server;

  constructor({ server = {}, limits = {}, ...overrides }: Overrides) {
    let ids = 0;
    this.control = new DeviceControl({
      store: this.database,
      fleet: this.fleet,
      ingest: LOG,
      counters: new Counters(),
      limits: testConfig('unused', { commands: limits }).commands,
      clock: this.clock,
      logger: recordingLog(this.log),
      newId: () => {
        ids += 1;
        return `id${ids}`;
      },
    });
    const { commands, jobs, desired, audit } = this.control;
    this.admin = new AdminServer({
      fleet: this.fleet,
      registry: this.registry,
      keys: this.keys,
      browserSessions: this.browserSessions,
      commands,
      jobs,
      desired,
      audit,
      failures: new FailedAttempts(this.clock),
      stats: () => this.stats(),
      readiness: () => ({ ready: true }),
      unwritable: () => null,
      forget: async (customer, device) => this.forget(customer, device),
      config: { server: { ...SERVER, ...server } },
      clock: this.clock,
      logger: recordingLog(this.log),
      dashboardFolder: null,
      ...overrides,
    });
    this.server = createServer(this.admin.handle);
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<void> {
    await this.database.start();
    await this.control.load();
    await this.control.start();
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  async start(): Promise<void> {
    await this.listen();
    await this.admin.start();
    this.documented = new Documented((await this.send('GET', '/api/openapi.json', {})).body as OpenApi);
  }

  async stop(): Promise<void> {
    await this.admin.stop();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    await this.control.stop();
    await this.database.stop();
  }

  /** The device sends the result of a command. Resolves when everything that follows from it has come to rest. */
  async answers(name: string, id: string, status: keyof typeof RESULT, data: Value = null): Promise<void> {
    const frame = { kind: FRAME.result, id, status: RESULT[status], data } as const;
    this.control.apply({ ...this.committed(name), frame });
    await this.control.commands.save();
    await rest();
  }

  /** The device says what it has applied. */
  reports(name: string, version: number, values: ValueMap): void {
    this.control.apply({ ...this.committed(name), frame: { kind: FRAME.reported, version, values } });
  }

  private committed(name: string) {
    const [customer = '', id = ''] = name.split('/');
    const device = this.fleet.obtain(customer, id);
    return { device, session: 's1', arrival: this.clock.now(), position: LOG.position };
  }

  /** Everything that is in the audit, oldest first. */
  async entries(): Promise<readonly NumberedAuditRow[]> {
    const { items } = await this.control.audit.list({ ...WHOLE_AUDIT, limit: 1000 });
    return items.toReversed();
  }

  /** Every command, oldest first, as the hub knows it. */
  async sent() {
    const every = { customer: '*', device: null, job: null, before: null, limit: 1000 };
    const { items } = await this.control.commands.list(every);
    return items.toReversed();
  }

  /** Asks, and checks the answer against the document. `path` without `/api/v1` unless it starts with `//`. */
  async ask(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    const full = path.startsWith('//') ? path.slice(1) : `/api/v1${path}`;
    const answer = await this.send(method, full, ask);
    if (answer.status >= 400) this.documented?.isProblem(answer);
    this.documented?.check(method, full, answer);
    return answer;
  }

  async send(method: string, path: string, { as, headers = {}, body }: Ask): Promise<Answer> {
    const response = await fetch(`http://${this.host}${path}`, {
      method,
      headers: {
        ...(as !== undefined && { authorization: `Bearer sbx_${as}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? null : json ? JSON.parse(text) : text,
    };
  }

  private stats(): Stats {
    return someStats({ total: this.fleet.total, online: this.fleet.online, neverSeen: this.fleet.neverSeen });
  }

  private forget(customer: string, id: string): boolean {
    const device = this.fleet.find(customer, id);
    if (device) this.forgotten.push(device.name);
    if (device) this.fleet.forget(device);
    return device !== null;
  }
}

/** No frame is on its way into it. */
const LOG = { position: positionOf(1), flushed: async () => {}, onControl: () => {} };

const SERVER: AdminParts['config']['server'] = {
  host: '127.0.0.1',
  port: 0,
  allowedOrigins: [],
  trustedProxies: [],
  metrics: 'loopback',
  loginHours: 12,
  drainSeconds: 0,
};

/** Started, and stopped when the running test has finished. */
export async function startAdmin(overrides: Overrides = {}): Promise<AdminBench> {
  const bench = new AdminBench(overrides);
  onTestFinished(() => bench.stop());
  await bench.start();
  return bench;
}

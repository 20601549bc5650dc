/** Jobs over real commands and sessions and a store in memory; the clock stands until it is moved. */
import { onTestFinished } from 'vitest';
import type { DeviceSelection, JobRequest } from '../../broker/hub/jobs/job.ts';
import { JobService } from '../../broker/hub/jobs/jobs.ts';
import type { CommandRow, JobRow } from '../../broker/store/command-ports.ts';
import type { Database } from '../../broker/store/ports.ts';
import { openMemoryDatabase } from '../../broker/store/sqlite/database.ts';
import { type ConnectedDevice, commandWorld, type Limits, rest } from '../commands/world.ts';
import { silentLog } from '../helpers/log.ts';

/** All devices of acme. */
export const EVERYBODY: DeviceSelection = {
  customer: 'acme',
  q: null,
  model: null,
  online: null,
  devices: null,
};

export const requestOf = (request: Partial<JobRequest> = {}): JobRequest => ({
  select: EVERYBODY,
  name: 'update',
  args: { to: '2.0' },
  ttl: 60_000,
  supersede: null,
  canary: 0,
  rate: null,
  haltShare: null,
  by: 'key1',
  ...request,
});

/** `devices` are known and away. */
export async function jobWorld(devices: readonly string[], database?: Database, limits: Limits = {}) {
  const world = await commandWorld({ limits, ...(database && { database }) });
  for (const id of devices) world.known(id);
  let ids = 0;
  const jobs = new JobService({
    store: world.database,
    commands: world.commands,
    fleet: world.fleet,
    limits: world.config.commands,
    clock: world.clock,
    logger: silentLog,
    newId: () => {
      ids += 1;
      return `job${ids}`;
    },
  });
  await jobs.start();
  onTestFinished(() => jobs.stop());
  const outcomes = async (id: string) => {
    const job = await jobs.find('acme', id);
    if (!job) throw new Error(`there is no job ${id}`);
    const { items } = await jobs.outcomes(job, { from: 0, limit: 100 });
    return Object.fromEntries(items.map(({ device, status }) => [device, status]));
  };
  const create = async (request: Partial<JobRequest> = {}) => {
    const { id } = await jobs.create(requestOf(request));
    await rest();
    return id;
  };
  const status = async (id: string) => (await jobs.find('acme', id))?.status;
  return { ...world, jobs, outcomes, create, status };
}

/** A database that can be made to keep somebody waiting, and counts its transactions. */
export function slowDatabase() {
  const database = openMemoryDatabase();
  const store = new Slowness();
  const saveCommands = database.saveCommands.bind(database);
  const updateJob = database.updateJob.bind(database);
  Object.assign(database, {
    saveCommands: async (rows: readonly CommandRow[]) => {
      store.commandSaves += 1;
      await store.turn('commands');
      await saveCommands(rows);
    },
    updateJob: async (row: Pick<JobRow, 'id' | 'endedAt' | 'body'>) => {
      await store.turn('jobs');
      await updateJob(row);
    },
  });
  return { database, store };
}

class Slowness {
  /** What is not answered, and not on record, until `release`. */
  holds: 'nothing' | 'commands' | 'jobs' = 'nothing';
  commandSaves = 0;
  private waiting: (() => void)[] = [];

  async turn(what: 'commands' | 'jobs'): Promise<void> {
    if (this.holds === what) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** How many wait. */
  get held(): number {
    return this.waiting.length;
  }

  async release(): Promise<void> {
    this.holds = 'nothing';
    for (const go of this.waiting.splice(0)) go();
    await rest();
  }
}

export const NAMES = ['d1', 'd2', 'd3', 'd4'];

/** Connects these and lets each answer what it has got. */
export async function connectAll(world: Awaited<ReturnType<typeof jobWorld>>, names: readonly string[]) {
  const devices = new Map<string, ConnectedDevice>();
  for (const name of names) devices.set(name, await world.connect(name));
  return {
    async answer(name: string, status: 'done' | 'failed' | 'accepted') {
      const device = devices.get(name);
      for (const { id } of device?.commands() ?? []) await device?.answer(id, status);
      await rest();
    },
  };
}

/**
 * Data folders that brokers of before left behind, as files, opened by this one (test/store/folders/README.md says how they were
 * made). Nothing in them is lost, and the broker goes on with them through restarts.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Broker } from '../../broker/broker.ts';
import { LogFrames } from '../../broker/hub/telemetry/log-frames.ts';
import { systemEnvironment } from '../../broker/main.ts';
import { START } from '../../broker/store/position.ts';
import { encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { startBroker } from '../helpers/broker.ts';
import { connect } from '../helpers/device.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/** Soon after the folders were written: what is old is not removed. */
const SOON = 1_795_559_000_000;
const environment = {
  clock: { ...systemEnvironment.clock, now: () => SOON + Math.floor(systemEnvironment.clock.monotonic()) },
};

/** Of the last frames of 24, and of 8. */
const PUMP_1 = { temp: 44, rpm: 924 };
const PUMP_2 = { flow: 12, mode: 'auto' };

const FOLDERS = [
  { name: 'telemetry-killed', wrote: 'telemetry only', command: null, cursor: null },
  { name: 'commands-stopped', wrote: 'commands and the bridge', command: 'k8Nt7Z-H9BYRa534', cursor: 3138 },
  { name: 'bounded-killed', wrote: 'bounds of memory', command: 'Sw060IcZmwXZGSzT', cursor: 3138 },
];

function unpack(name: string): string {
  const folder = temporaryFolder();
  execFileSync('tar', ['-xzf', join(import.meta.dirname, `../store/folders/${name}.tar.gz`), '-C', folder]);
  return join(folder, 'data');
}

function valuesOf(broker: Broker, device: string): Record<string, unknown> {
  const metrics = broker.parts.fleet.find('acme', device)?.metrics.changedSince(0) ?? [];
  return Object.fromEntries([...metrics].map(({ name, value }) => [name, value]));
}

/** How far each boot has come. */
function boots(broker: Broker, device: string): number[] {
  const entries = [...(broker.parts.fleet.find('acme', device)?.boots.entries() ?? [])];
  return entries.map(([, { durable }]) => durable);
}

/** Device and seq of each frame that the bridge's cursor has not passed; of the whole log if there is none. */
async function framesFromCursor(broker: Broker): Promise<string[]> {
  const { database, log } = broker.parts.stores;
  const { mqtt } = await database.loadCursors();
  const lines: string[] = [];
  const frames = new LogFrames();
  for await (const record of log.read(mqtt ?? START)) {
    for (const item of frames.read(record)) {
      if (item.kind === 'unreadable') throw item.error;
      if (item.kind !== 'frame' || item.frame.kind !== FRAME.telemetry) continue;
      lines.push(`${item.source.device} ${item.frame.seq}`);
    }
  }
  return lines;
}

describe.each(FOLDERS)('a folder of the broker that had $wrote', ({ name, command, cursor }) => {
  it('opens with all that was acknowledged, goes on, and is whole after two restarts', async () => {
    const data = unpack(name);
    const expected = { frames: [] as string[], temp: 44 };
    for (let life = 1; life <= 3; life += 1) {
      const { broker, key, url } = await startBroker({ data, environment });
      expect(valuesOf(broker, 'pump-1')).toEqual({ ...PUMP_1, temp: expected.temp });
      expect(valuesOf(broker, 'pump-2')).toEqual(PUMP_2);
      expect(boots(broker, 'pump-2')).toEqual([8]);
      expect(boots(broker, 'pump-1')).toEqual([24, ...(life > 1 ? [life - 1] : [])]);
      expect(await broker.parts.stores.database.loadCursors()).toEqual(
        cursor === null ? {} : { mqtt: cursor },
      );
      // The broker leaves the old segment as it is.
      expect(broker.parts.stores.log.stats().segments).toBe(2);
      const held = await framesFromCursor(broker);
      if (life === 1) expected.frames = held;
      expect(held).toEqual(expected.frames);
      expect(held.filter((line) => line.startsWith('pump-1')).length).toBe(
        (cursor === null ? 24 : 12) + life - 1,
      );
      if (command) {
        const auth = { authorization: `Bearer ${await key('admin', '*')}` };
        const at = async (id: string) =>
          (await fetch(`${url}/api/v1/commands/${id}`, { headers: auth })).json();
        expect(await at(command)).toMatchObject({ status: 'done', device: 'acme/pump-1' });
        expect(await at('waits-1')).toMatchObject({ device: 'acme/pump-2' });
      }
      const device = await connect(url, { key: await key('device', 'acme', 'pump-1') });
      device.send(encodeHello({ boot: 7 }), encodeTelemetry(life, null, { temp: 50 + life }));
      await device.acknowledged(life);
      expected.frames.push(`pump-1 ${life}`);
      expected.temp = 50 + life;
      await broker.stop();
    }
  });
});

/** Desired state with a store in memory and one device, whose connection is a list of what it was told. */
import { expect } from 'vitest';
import { DesiredStates } from '../../broker/hub/desired/desired-states.ts';
import { Device } from '../../broker/hub/fleet/device.ts';
import type { DesiredStore } from '../../broker/store/command-ports.ts';
import { positionOf } from '../../broker/store/position.ts';
import { openMemoryDatabase } from '../../broker/store/sqlite/database.ts';
import { parseBrokerFrame } from '../../broker/wire/broker-frames.ts';
import { FRAME, type ValueMap } from '../../broker/wire/frames.ts';
import { FakeClock } from '../helpers/clock.ts';
import { eventually } from '../helpers/eventually.ts';

export async function desiredWorld(database = openMemoryDatabase()) {
  await database.start();
  /** The store has taken a row, and has not said so yet, as long as this is not empty. */
  const answers: (() => void)[] = [];
  let store: 'prompt' | 'slow' = 'prompt';
  const slowly: Pick<DesiredStore, 'loadDesired' | 'saveDesired'> = {
    loadDesired: database.loadDesired,
    saveDesired: async (rows) => {
      await database.saveDesired(rows);
      if (store === 'slow') await new Promise<void>((resolve) => answers.push(resolve));
    },
  };
  const ingest = { position: positionOf(100) };
  const clock = new FakeClock();
  const limits = { desiredBytes: 1024 };
  const desired = new DesiredStates({ store: slowly, ingest, clock, limits });
  await desired.load();
  const device = new Device('acme', 'pump');
  const told: [number, ValueMap][] = [];
  const unread: (() => void)[] = [];
  let reading: 'yes' | 'no' = 'yes';
  const member = {
    session: 's1',
    keyId: 'key9',
    heardAt: 0,
    ready: true,
    bufferedBytes: 0,
    end: () => {},
    write: (bytes: Uint8Array, written: () => void = () => {}) => {
      const frame = parseBrokerFrame(bytes);
      if (frame?.kind === FRAME.desired) told.push([frame.version, frame.values]);
      if (reading === 'yes') written();
      else unread.push(written);
    },
  };
  const reports = (version: number, values: ValueMap, position = 200) =>
    desired.reported({
      customer: 'acme',
      device: 'pump',
      frame: { kind: FRAME.reported, version, values },
      arrival: clock.now(),
      position: positionOf(position),
    });
  const connects = () => {
    device.member = member;
    desired.greeted(device, member);
  };
  const slow = {
    begin: () => {
      store = 'slow';
    },
    taken: (count: number) => eventually(() => expect(answers).toHaveLength(count)),
    end: () => {
      store = 'prompt';
      for (const answer of answers.splice(0)) answer();
    },
  };
  const reads = (yes: boolean) => {
    reading = yes ? 'yes' : 'no';
    if (yes) for (const written of unread.splice(0)) written();
  };
  return { database, desired, device, told, reports, connects, reads, ingest, slow };
}

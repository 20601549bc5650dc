/** Blows that come together as in a bad night: storms of frames on a slow disk, disks that refuse, stop short or hang, and a database that others hold or that fails. */
import { type BlowKind, back, blowKind, forget } from './blow-kind.ts';
import { type Refusal, SYNC_TIME } from './disk.ts';
import type { DatabaseFault } from './machine.ts';

export const OF_STORMS: readonly BlowKind[] = [
  // Much is written at once, and the power goes in it: long torn tails.
  blowKind({
    kind: 'storm',
    weight: 1,
    make: (random) => ({
      every: random.pick([10, 40]),
      for: random.whole(1000, 6000),
      most: random.pick([50, 1000]),
      effects: random.whole(50, 1500),
      how: random.pick(['kill', 'losePower', 'losePower']),
      back: back(random),
    }),
    strike: ({ weather, devices, machine: { disk } }, blow) => {
      disk.syncTime = [1, blow.most];
      weather.mendAfter(blow.for, () => {
        disk.syncTime = SYNC_TIME;
      });
      for (const device of devices) device.hurry(blow.every, blow.for);
      weather.killAfter(blow.effects, blow.back, blow.how === 'kill' ? 'kill' : 'losePower');
    },
  }),
  // What was written is not synced: the one moment in which records are torn, or read by the next and not durable.
  blowKind({
    kind: 'end-in-sync',
    weight: 3,
    make: (random) => ({
      every: random.pick([0, 0, 10, 100]),
      most: random.pick([2, 50, 1000]),
      syncs: random.whole(0, 20),
      how: random.pick(['kill', 'losePower', 'losePower']),
      back: back(random),
    }),
    strike: ({ weather, devices, machine: { disk } }, blow) => {
      const duration = 5000;
      disk.syncTime = [1, blow.most];
      weather.mendAfter(duration, () => {
        disk.syncTime = SYNC_TIME;
      });
      if (blow.every > 0) for (const device of devices) device.hurry(blow.every, duration);
      disk.inSync = {
        after: blow.syncs,
        run: () => (blow.how === 'kill' ? weather.kill(blow.back) : weather.losePower(blow.back)),
      };
      weather.mendAfter(60_000, () => {
        disk.inSync = null;
      });
    },
  }),
  // Somebody who does not come back at once, so that nothing but the database says that it is gone.
  blowKind({
    kind: 'forget-away',
    weight: 1,
    make: (random, devices) => ({
      device: random.whole(0, devices - 1),
      for: random.whole(60_000, 300_000),
      after: random.whole(100, 3000),
      effects: random.whole(0, 40),
    }),
    strike: (box, blow) => {
      const device = box.devices[blow.device];
      if (!device) return;
      const { world, weather } = box;
      const later = (milliseconds: number, run: () => void) =>
        void world.after(milliseconds, () => weather.isOver || run(), null);
      // Its last frames are younger than the last checkpoint.
      device.hurry(50, blow.after);
      later(blow.after, () => device.leave(blow.for));
      later(blow.after + 20, () => {
        forget(box, device.parts.customer, device.parts.id);
        weather.killAfter(blow.effects, 50);
      });
    },
  }),
];

const REFUSALS: readonly Refusal[] = [
  { call: 'open', code: 'EMFILE' },
  { call: 'open', code: 'ENOSPC' },
  { call: 'read', code: 'EMFILE' },
  { call: 'write', code: 'ENOSPC' },
  { call: 'truncate', code: 'ENOSPC' },
  { call: 'unlink', code: 'EMFILE' },
];

export const OF_BAD_DISKS: readonly BlowKind[] = [
  // While the process runs, or between its end and the next start. Every other time the process dies while it lies there.
  blowKind({
    kind: 'flip',
    weight: 1,
    make: (random) => ({
      killed: random.pick(['before', 'after', 'never']),
      after: random.whole(0, 5000),
      for: random.whole(10_000, 600_000),
    }),
    strike: ({ weather, world, machine: { disk } }, blow) => {
      if (blow.killed === 'before') weather.kill(500);
      disk.flipBit();
      if (blow.killed === 'after') world.after(blow.after, () => weather.isOver || weather.kill(50), null);
      // As the refusal asks for it: while no broker runs. One that has met the damage reads no further.
      weather.mendAfter(blow.for, () => {
        if (!disk.damage) return;
        weather.kill(500);
        disk.repair();
      });
    },
  }),
  blowKind({
    kind: 'short-writes',
    weight: 1,
    make: (random) => ({ for: random.whole(1000, 300_000) }),
    strike: ({ weather, machine: { disk } }, blow) => {
      disk.writes = 'short';
      weather.mendAfter(blow.for, () => {
        disk.writes = 'whole';
      });
    },
  }),
  blowKind({
    kind: 'disk-refuses',
    weight: 1,
    make: (random) => ({ what: random.whole(0, REFUSALS.length - 1), for: random.whole(1000, 90_000) }),
    strike: ({ weather, machine: { disk } }, blow) => {
      disk.refusal = REFUSALS[blow.what] ?? null;
      weather.mendAfter(blow.for, () => {
        disk.refusal = null;
      });
    },
  }),
  blowKind({
    kind: 'disk-hangs',
    weight: 1,
    make: (random) => ({ for: random.whole(20_000, 240_000) }),
    strike: ({ weather, machine: { disk } }, blow) => {
      disk.syncTime = [blow.for, blow.for];
      // The one call that hangs, and those that come while it does.
      weather.mendAfter(Math.min(5000, blow.for), () => {
        disk.syncTime = SYNC_TIME;
      });
    },
  }),
];

const FAULTS: readonly DatabaseFault[] = ['locked', 'full', 'failing'];

export const OF_DATABASES: readonly BlowKind[] = FAULTS.map((fault) =>
  blowKind({
    kind: `database-${fault}`,
    weight: 1,
    // Every other time the process dies in it.
    make: (random) => ({
      for: random.whole(500, fault === 'failing' ? 3000 : 120_000),
      effects: random.pick([-1, random.whole(0, 300)]),
      every: random.pick([0, 0, 0, 20]),
    }),
    strike: ({ weather, machine, devices }, blow) => {
      machine.databaseFault = fault;
      weather.mendAfter(blow.for, () => {
        machine.databaseFault = null;
      });
      if (blow.every > 0) for (const device of devices) device.hurry(blow.every, Math.min(20_000, blow.for));
      if (blow.effects >= 0) weather.killAfter(blow.effects, 500);
    },
  }),
);

/**
 * The kinds of blows: what each may be, and how it falls on a box. Those of the machine, its disk and its network stand here; others bring
 * their own (`KINDS`).
 */
import { type BlowKind, back, blowKind, forget } from './blow-kind.ts';
import { SYNC_TIME } from './disk.ts';
import { OF_BAD_DISKS, OF_DATABASES, OF_STORMS } from './hard-blows.ts';
import { CALL_TIME } from './machine.ts';
import { OF_MQTT } from './mqtt-blows.ts';
import { LINK } from './network.ts';

const OF_THE_PROCESS: readonly BlowKind[] = [
  blowKind({
    kind: 'kill',
    weight: 1,
    make: (random) => ({ back: back(random) }),
    strike: ({ weather }, blow) => weather.kill(blow.back),
  }),
  blowKind({
    kind: 'kill-at-effect',
    weight: 2,
    make: (random) => ({ effects: random.whole(0, random.pick([60, 2000])), back: back(random) }),
    strike: ({ weather }, blow) => weather.killAfter(blow.effects, blow.back),
  }),
  blowKind({
    kind: 'kill-starts',
    weight: 1,
    make: (random) => ({ effects: [random.whole(0, 80), random.whole(0, 200)] }),
    strike: ({ weather }, blow) => weather.killStarts(blow.effects),
  }),
  blowKind({
    kind: 'power',
    weight: 1,
    make: (random) => ({ back: back(random) }),
    strike: ({ weather }, blow) => weather.losePower(blow.back),
  }),
  blowKind({
    kind: 'stop',
    weight: 1,
    make: (random) => ({ back: back(random) }),
    strike: ({ weather }, blow) => weather.stop(blow.back),
  }),
  blowKind({
    kind: 'hold',
    weight: 1,
    make: (random) => ({ for: random.pick([500, 5000, 100_000]) }),
    strike: ({ machine }, blow) => machine.running?.process.hold(blow.for),
  }),
  blowKind({
    kind: 'clock',
    weight: 1,
    make: (random) => ({ by: random.pick([-7_200_000, -60_000, -500, 500, 60_000, 3_600_000]) }),
    strike: ({ machine }, blow) => {
      machine.wall.offset += blow.by;
    },
  }),
];

const OF_THE_DISK: readonly BlowKind[] = [
  blowKind({
    kind: 'disk-full',
    weight: 1,
    make: (random) => ({ room: random.whole(0, 2000), for: random.whole(1000, 60_000) }),
    strike: ({ weather, machine: { disk } }, blow) => {
      disk.capacity = disk.bytes + blow.room;
      weather.mendAfter(blow.for, () => {
        disk.capacity = Number.POSITIVE_INFINITY;
      });
    },
  }),
  blowKind({
    kind: 'slow-disk',
    weight: 1,
    make: (random) => ({ most: random.pick([50, 2000]), for: random.whole(1000, 60_000) }),
    strike: ({ weather, machine: { disk } }, blow) => {
      disk.syncTime = [1, blow.most];
      weather.mendAfter(blow.for, () => {
        disk.syncTime = SYNC_TIME;
      });
    },
  }),
  blowKind({
    kind: 'sync-fails',
    weight: 1,
    make: () => ({}),
    strike: ({ machine: { disk } }) => {
      disk.failingSyncs = 1;
    },
  }),
];

const OF_THE_NETWORK: readonly BlowKind[] = [
  blowKind({
    kind: 'cut',
    weight: 1,
    make: (random) => ({ share: random.pick([0.1, 0.5, 1]) }),
    strike: ({ network }, blow) => network.disturb(blow.share, 'cut'),
  }),
  blowKind({
    kind: 'vanish',
    weight: 1,
    make: (random) => ({ share: random.pick([0.1, 0.5]) }),
    strike: ({ network }, blow) => network.disturb(blow.share, 'vanish'),
  }),
  blowKind({
    kind: 'slow-links',
    weight: 1,
    make: (random) => ({ most: random.pick([200, 2000]), for: random.whole(1000, 120_000) }),
    strike: ({ weather, network }, blow) => {
      network.link = { ...LINK, delay: [1, blow.most] };
      weather.mendAfter(blow.for, () => {
        network.link = LINK;
      });
    },
  }),
];

const OF_DEVICES: readonly BlowKind[] = [
  blowKind({
    kind: 'device-restarts',
    weight: 2,
    make: (random, devices) => ({ device: random.whole(0, devices - 1) }),
    strike: ({ devices }, blow) => {
      const device = devices[blow.device];
      if (device && device.state !== 'off') device.restart();
    },
  }),
  blowKind({
    kind: 'forget',
    weight: 1,
    // Every other time the process dies soon after.
    make: (random, devices) => ({
      device: random.whole(0, devices - 1),
      effects: random.pick([-1, random.whole(0, 60)]),
    }),
    strike: (box, blow) => {
      const device = box.devices[blow.device];
      if (device) forget(box, device.parts.customer, device.parts.id);
      if (blow.effects >= 0) box.weather.killAfter(blow.effects, 500);
    },
  }),
];

const OF_HASTE: readonly BlowKind[] = [
  blowKind({
    kind: 'slow-database',
    weight: 1,
    make: (random) => ({ most: random.pick([20, 400]), for: random.whole(1000, 60_000) }),
    strike: ({ weather, machine }, blow) => {
      machine.callTime = [1, blow.most];
      weather.mendAfter(blow.for, () => {
        machine.callTime = CALL_TIME;
      });
    },
  }),
  blowKind({
    kind: 'burst',
    weight: 2,
    // Every other time the process dies in it.
    make: (random) => ({
      every: random.pick([10, 100]),
      for: random.whole(1000, 10_000),
      effects: random.pick([-1, random.whole(0, 1000)]),
    }),
    strike: ({ weather, devices }, blow) => {
      for (const device of devices) device.hurry(blow.every, blow.for);
      if (blow.effects >= 0) weather.killAfter(blow.effects, 500);
    },
  }),
];

const OF_POWER: readonly BlowKind[] = [
  blowKind({
    kind: 'power-at-effect',
    weight: 2,
    make: (random) => ({ effects: random.whole(0, random.pick([60, 2000])), back: back(random) }),
    strike: ({ weather }, blow) => weather.killAfter(blow.effects, blow.back, 'losePower'),
  }),
  // What the killed one wrote and did not sync is read by the next, and must be durable before anybody hears of it.
  blowKind({
    kind: 'kill-then-power',
    weight: 1,
    make: (random) => ({ effects: random.whole(0, 300), within: random.whole(60, 3000) }),
    strike: ({ weather, world, machine }, blow) => {
      weather.killAfter(blow.effects, 50);
      machine.process?.onDeath(() => world.after(blow.within, () => weather.losePower(500), null));
    },
  }),
  blowKind({
    kind: 'device-leaves',
    weight: 1,
    make: (random, devices) => ({ device: random.whole(0, devices - 1), for: random.whole(60_000, 900_000) }),
    strike: ({ devices }, blow) => devices[blow.device]?.leave(blow.for),
  }),
];

/** All there are; the order of this list is part of what a seed means. */
export const KINDS: readonly BlowKind[] = [
  ...OF_THE_PROCESS,
  ...OF_THE_DISK,
  ...OF_THE_NETWORK,
  ...OF_DEVICES,
  ...OF_HASTE,
  ...OF_POWER,
  ...OF_STORMS,
  ...OF_BAD_DISKS,
  ...OF_DATABASES,
  ...OF_MQTT,
];

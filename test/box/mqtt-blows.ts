/**
 * What may befall the MQTT server and the bridge: it goes, in each manner and with what it forgets, and acknowledges late or not at all; the
 * bridge's thread ends; commands come just before an end; devices go for good and are forgotten.
 */
import { type BlowKind, blowKind, forget } from './blow-kind.ts';
import type { Box } from './box.ts';
import { MqttGuest } from './mqtt-guest.ts';
import type { Absence, Acks, Forgets, MqttPeer } from './mqtt-peer.ts';

export const OF_MQTT: readonly BlowKind[] = [
  blowKind({
    kind: 'mqtt-away',
    weight: 3,
    make: (random) => ({
      how: random.pick<Absence>(['cut', 'vanish', 'refuse', 'goodbye']),
      for: random.pick([100, 5000, 60_000, 900_000]),
      forgets: random.pick<Forgets>(['nothing', 'nothing', 'sessions', 'retained', 'all']),
    }),
    strike: (box, blow) => {
      const peer = peerOf(box);
      peer?.leave(blow.how, blow.forgets);
      box.weather.mendAfter(blow.for, () => peer?.comeBack());
    },
  }),
  blowKind({
    kind: 'mqtt-acks',
    weight: 2,
    make: (random) => ({
      how: random.pick<Acks>(['slow', 'none']),
      for: random.pick([500, 10_000, 120_000]),
    }),
    strike: (box, blow) => {
      const peer = peerOf(box);
      peer?.acknowledge(blow.how);
      box.weather.mendAfter(blow.for, () => peer?.acknowledge('prompt'));
    },
  }),
  blowKind({
    kind: 'mqtt-commands',
    weight: 2,
    // Then the connection, or the process, ends.
    make: (random) => ({
      count: random.whole(1, 5),
      cutAfter: random.pick([-1, random.whole(0, 20)]),
      effects: random.pick([-1, random.whole(0, 60)]),
    }),
    strike: (box, blow) => {
      const guest = guestOf(box);
      for (let count = 0; count < blow.count; count += 1) guest?.commands.ask();
      if (blow.effects >= 0) box.weather.killAfter(blow.effects, 500);
      if (blow.cutAfter >= 0) box.world.after(blow.cutAfter, () => guest?.peer.cut(), null);
    },
  }),
  blowKind({
    kind: 'mqtt-crash',
    weight: 1,
    make: () => ({}),
    strike: ({ machine }) => machine.crashBridge(),
  }),
  blowKind({
    kind: 'device-goes',
    weight: 1,
    // Most often with MQTT away, or the broker about to go.
    make: (random, devices) => ({
      device: random.whole(0, devices - 1),
      away: random.pick([-1, 5000, 60_000]),
      effects: random.pick([-1, random.whole(0, 60)]),
    }),
    strike: (box, blow) => {
      const device = box.devices[blow.device];
      const peer = peerOf(box);
      if (!device || !box.ready) return;
      device.stop();
      forget(box, device.parts.customer, device.parts.id);
      if (blow.away >= 0) {
        peer?.leave('cut', 'nothing');
        box.weather.mendAfter(blow.away, () => peer?.comeBack());
      }
      if (blow.effects >= 0) box.weather.killAfter(blow.effects, 500);
    },
  }),
];

function guestOf({ guests }: Box): MqttGuest | undefined {
  return guests.find((guest) => guest instanceof MqttGuest);
}

function peerOf(box: Box): MqttPeer | undefined {
  return guestOf(box)?.peer;
}

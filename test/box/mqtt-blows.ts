/** What may befall the MQTT server: it goes, in each manner and with what it forgets, and acknowledges late or not at all. */
import { type BlowKind, blowKind } from './blow-kind.ts';
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
];

function peerOf({ guests }: Box): MqttPeer | undefined {
  return guests.find((guest) => guest instanceof MqttGuest)?.peer;
}

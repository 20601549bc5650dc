/**
 * Who is in a box besides devices: viewers, operators, an MQTT server. Each acts by a chance of its own and judges what it is told. This list
 * says who comes.
 */
import type { Box } from './box.ts';
import { Clones } from './clones.ts';
import { KeyHolders } from './key-holders.ts';
import { MqttGuest } from './mqtt-guest.ts';
import { Strangers } from './strangers.ts';
import { Viewers } from './viewers.ts';

export interface Guest {
  /** The broker has started for the first time, and every device has its key. */
  begin(): void | Promise<void>;
  /** The weather is over: it begins nothing new. */
  calm(): void;
  /** In the calm: what it still waits for; null: nothing. */
  waitsFor(): string | null;
  /** Everybody is at rest: its last word on what it was promised. */
  judge(): void;
  /** It goes, and leaves nothing behind. */
  leave(): void;
}

export function guestsOf(box: Box): readonly Guest[] {
  return [
    new Strangers(box),
    new Clones(box),
    new KeyHolders(box),
    new MqttGuest(box, box.mqtt),
    new Viewers(box),
  ];
}

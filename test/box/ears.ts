/**
 * What can be heard in a box by whoever judges it: what becomes durable in the log and in the database, what devices are told and say, and
 * what operators have asked for. Owns who listens, in the order in which they came.
 */
import type { MethodCall } from '../../broker/store/sqlite/methods.ts';
import type { CommandFrame, Value, ValueMap } from '../../broker/wire/frames.ts';
import type { SimulatedDevice } from './device.ts';
import type { DurableEntry } from './durable.ts';

/** A frame of the broker, as it came to a device. */
export interface Received {
  /** When the broker's process wrote it; virtual ms. */
  readonly sentAt: number;
  readonly bytes: number;
}

export interface Ears {
  /** The log holds it, synced. */
  durable?(entry: DurableEntry): void;
  /** Retention has taken what the log held before this position. */
  removed?(first: number): void;
  /** The database has done this call, and holds what came of it. */
  stored?(call: MethodCall): void;
  /** Its hello was answered. */
  greeted?(device: SimulatedDevice): void;
  commanded?(device: SimulatedDevice, command: CommandFrame, received: Received): void;
  /** It sent a result. */
  answered?(device: SimulatedDevice, id: string, status: number, data: Value): void;
  /** An ack has covered that result (P-5, "When a result is safe"). */
  covered?(device: SimulatedDevice, id: string, status: number): void;
  desired?(device: SimulatedDevice, version: number, values: ValueMap, received: Received): void;
  /** It has no connection any more. */
  disconnected?(device: SimulatedDevice): void;
  /** Somebody asks to forget a device. Returns what to call with the answer. */
  forgetting?(name: string): () => void;
}

export class AllEars implements Required<Ears> {
  private readonly ears: Ears[] = [];

  add(ears: Ears): void {
    this.ears.push(ears);
  }

  durable(entry: DurableEntry): void {
    for (const one of this.ears) one.durable?.(entry);
  }

  removed(first: number): void {
    for (const one of this.ears) one.removed?.(first);
  }

  stored(call: MethodCall): void {
    for (const one of this.ears) one.stored?.(call);
  }

  greeted(device: SimulatedDevice): void {
    for (const one of this.ears) one.greeted?.(device);
  }

  commanded(device: SimulatedDevice, command: CommandFrame, received: Received): void {
    for (const one of this.ears) one.commanded?.(device, command, received);
  }

  answered(device: SimulatedDevice, id: string, status: number, data: Value): void {
    for (const one of this.ears) one.answered?.(device, id, status, data);
  }

  covered(device: SimulatedDevice, id: string, status: number): void {
    for (const one of this.ears) one.covered?.(device, id, status);
  }

  desired(device: SimulatedDevice, version: number, values: ValueMap, received: Received): void {
    for (const one of this.ears) one.desired?.(device, version, values, received);
  }

  disconnected(device: SimulatedDevice): void {
    for (const one of this.ears) one.disconnected?.(device);
  }

  forgetting(name: string): () => void {
    const answered = this.ears.flatMap((one) => one.forgetting?.(name) ?? []);
    return () => {
      for (const run of answered) run();
    };
  }
}

/** The events of a device client, typed by name, and the small emitter that sends them. Owns its listeners. */
import type { CommandFrame, DesiredFrame, ErrorFrame, Value, WelcomeLimits } from '../broker/wire/frames.ts';
import type { Problem } from '../schemas/problems.ts';
import type { ResultName } from './command-result.ts';

export interface AcknowledgedFrame {
  readonly seq: number;
  /** When it was handed in, by the client's clock; Unix ms. */
  readonly queuedAt: number;
}

/** Why a frame left the outbox without being durable. */
export type FrameDropReason = 'outbox-full' | 'rejected' | 'fields-changed';

export interface DeviceClientEvents {
  /** The broker's welcome (P-3.1). */
  connected: { readonly session: string; readonly keepalive: number; readonly limits: WelcomeLimits };
  /** The broker said how far it has come (P-3.2); `held` frames are sent now, `resent` of them once more. */
  resumed: { readonly durable: number; readonly held: number; readonly resent: number };
  /** These frames are durable (P-4.2), in order. */
  acknowledged: { readonly seq: number; readonly frames: readonly AcknowledgedFrame[] };
  /** These frames are given up. */
  dropped: { readonly seqs: readonly number[]; readonly reason: FrameDropReason; readonly detail: string };
  /** An error frame (P-8); the connection goes on unless `disconnected` follows. */
  error: ErrorFrame;
  /** A command came (P-5), also one that came before; its handler answers it. */
  command: CommandFrame;
  /** A command came again: it is not executed again, and answered with what is known (P-5.2). */
  repeated: CommandFrame;
  /** This was said of a command (P-5.3), once for each step. */
  answered: { readonly id: string; readonly status: ResultName; readonly data: Value };
  /** Desired values came (P-6); the handler applies them. */
  desired: DesiredFrame;
  /** A connection is over, or a try for one failed (code 1006). `retryIn`: ms; null: no further try. */
  disconnected: { readonly code: number; readonly reason: string; readonly retryIn: number | null };
  /** The broker answered over HTTP instead of upgrading (P-1.5). */
  refused: { readonly status: number; readonly problem: Problem | null; readonly retryIn: number };
  /** A file cannot be kept safe, the boot was used before, a result was given up, or desired values were not applied. */
  fault: Error;
  /** No further try will be made: `stop` was called, or the key has ended (4003). */
  ended: { readonly reason: 'stopped' | 'key-ended' };
}

/** How a part of the client emits an event. */
export type Notify = <Name extends keyof DeviceClientEvents>(
  name: Name,
  payload: DeviceClientEvents[Name],
) => void;

type Listener<Payload> = (payload: Payload) => void;

/** Listeners are called in the order in which they came; what one throws reaches whoever emits. */
export class Emitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Returns the function that takes the listener away again. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const listeners = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, listeners);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  once<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const off = this.on(name, (payload) => {
      off();
      listener(payload);
    });
    return off;
  }

  protected emit<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    for (const listener of [...(this.listeners.get(name) ?? [])]) {
      (listener as Listener<Events[Name]>)(payload);
    }
  }
}

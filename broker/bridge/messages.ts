/** The messages between the bridge on the event loop and its worker thread. */
import type { Position } from '../store/position.ts';
import type { PeerMessage } from './mqtt/connection.ts';
import type { ProtocolVersion } from './mqtt/publish-writer.ts';
import type { MqttSessionOptions } from './mqtt/session.ts';
import type { LogRoutes, RecordPortion } from './thread/log-messages.ts';

export interface WorkerOptions {
  readonly peer: MqttSessionOptions;
  readonly baseTopic: string;
  readonly routes: LogRoutes;
  readonly inFlight: number;
  readonly ackMs: number;
  /** Filters to subscribe to at each connect, at QoS 1. */
  readonly filters: readonly string[];
  /** Of discovery messages that the peer holds; null: nothing is announced. */
  readonly announcements: string | null;
}

/** One message that does not come from the log. */
export interface OtherMessage {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly correlationData: Uint8Array | null;
  /** Reported in `settled` when the peer has it or has refused it. */
  readonly ticket: number;
}

export type WorkerRequest =
  | ({ readonly type: 'records' } & RecordPortion)
  | { readonly type: 'publish'; readonly messages: readonly OtherMessage[] }
  /** A message of the peer is dealt with: acknowledge it. */
  | { readonly type: 'handled'; readonly number: number }
  /** Say `offline` and goodbye; `stopped` follows. */
  | { readonly type: 'stop' };

/** Why a message was not published. */
export type UnpublishedReason = 'superseded' | 'unreadable' | 'too-large' | 'refused';

/** Since the thread started. */
export interface PublishCounts {
  /** Messages of the log that the peer acknowledged (QoS 1) or that were written (QoS 0). */
  readonly sent: number;
  /** Copies that were written again after a reconnect. */
  readonly repeated: number;
  /** Acknowledged messages from elsewhere: state, availability, results. */
  readonly others: number;
  readonly dropped: Readonly<Record<UnpublishedReason, number>>;
}

export interface PublishProgress extends PublishCounts {
  /** Everything in the log before it is with the peer; null: nothing was read yet. */
  readonly done: Position | null;
  /** Records before it need no memory any more. */
  readonly read: Position | null;
  readonly inFlight: number;
}

export type WorkerReport =
  | { readonly type: 'connecting'; readonly server: string }
  | { readonly type: 'connected'; readonly server: string; readonly version: ProtocolVersion }
  | { readonly type: 'failed'; readonly server: string; readonly message: string }
  /** A few times a second while something changes. */
  | { readonly type: 'progress'; readonly progress: PublishProgress }
  | { readonly type: 'settled'; readonly tickets: readonly number[] }
  /** `customer/device` of devices whose availability the peer holds. */
  | { readonly type: 'retained'; readonly devices: readonly string[] }
  /** To be answered by `handled` with its number. */
  | { readonly type: 'message'; readonly number: number; readonly message: PeerMessage }
  /** The peer refuses a subscription or a message. */
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'stopped' };

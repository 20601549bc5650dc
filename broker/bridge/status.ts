/** What operators see of the bridge. */
import type { DropReason } from './messages.ts';

/** `off`: no server is configured. `waiting`: the next attempt to connect comes by itself. */
export type BridgeState = 'off' | 'connecting' | 'connected' | 'waiting' | 'failed' | 'stopped';

export interface BridgeStatus {
  readonly state: BridgeState;
  /** When this state began; Unix ms. */
  readonly since: number;
  /** The server at hand, without credentials. */
  readonly peer: string | null;
  readonly protocol: '5' | '3.1.1' | null;
  /** Messages of the log a second. */
  readonly rate: number;
  readonly backlog: {
    readonly bytes: number;
    /** Estimated by what a message took so far; null: none was sent yet. */
    readonly messages: number | null;
    /** Age of the oldest frame that the peer does not have. */
    readonly seconds: number;
  };
  /** Position in the log; everything before it is with the peer. */
  readonly cursor: number | null;
  readonly inFlight: number;
  /** Messages of the log, copies written again, and messages from elsewhere, since the start. */
  readonly sent: number;
  readonly repeated: number;
  readonly others: number;
  readonly dropped: Readonly<Record<DropReason | 'no-room', number>>;
  /** Fell off the log before the peer had it. */
  readonly lostBytes: number;
  readonly outages: number;
  /** Times that the thread ended by itself. */
  readonly crashes: number;
  readonly lastError: BridgeNote | null;
  /** The newest subscription or message that the server did not take. */
  readonly lastRefusal: BridgeNote | null;
}

export interface BridgeNote {
  readonly at: number;
  readonly message: string;
}

/** Moves frames from the outbox to one live connection, as far as the welcome's window and the network let it. */
import type { Draft } from './frame-draft.ts';
import type { Outbox } from './outbox.ts';

/** Above this the network is behind, and the rest stays in the outbox; bytes. */
const NETWORK_BEHIND = 262_144;

/** What the sender needs of a connection. */
export interface Wire {
  readonly bufferedBytes: number;
  send(bytes: Uint8Array, written?: () => void): void;
}

export interface SenderOptions {
  /** Frames that may be unacknowledged at once (P-3.1). */
  readonly window: number;
  /** Called with each frame before it is written. */
  readonly prepare: (draft: Draft) => void;
}

export class Sender {
  private readonly outbox: Outbox;
  private readonly wire: Wire;
  private readonly options: SenderOptions;
  private state: 'ready' | 'network behind' | 'stopped' = 'ready';

  constructor(outbox: Outbox, wire: Wire, options: SenderOptions) {
    this.outbox = outbox;
    this.wire = wire;
    this.options = options;
  }

  /** Sends what may be sent now; call it when a frame came or an ack made room. */
  pump(): void {
    while (this.state === 'ready' && this.outbox.inFlight < this.options.window) {
      const draft = this.outbox.next();
      if (!draft) return;
      this.options.prepare(draft);
      if (this.wire.bufferedBytes > NETWORK_BEHIND) this.sendLast(draft);
      else this.wire.send(draft.bytes);
    }
  }

  /** The connection is over. */
  stop(): void {
    this.state = 'stopped';
  }

  private sendLast(draft: Draft): void {
    this.state = 'network behind';
    this.wire.send(draft.bytes, () => {
      if (this.state === 'stopped') return;
      this.state = 'ready';
      this.pump();
    });
  }
}

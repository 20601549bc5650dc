/** The messages between `storm.ts` and its load, over Node's IPC: one request, one answer. */
export type StormRequest =
  | { readonly ask: 'connect'; readonly port: number; readonly key: string; readonly devices: number }
  /** Every device sends this many frames at once. */
  | { readonly ask: 'storm'; readonly frames: number }
  /** Every device sends frames of 4,080 empty byte strings, until `stop`. */
  | { readonly ask: 'costly'; readonly framesPerSecond: number }
  | { readonly ask: 'stop' }
  | { readonly ask: 'mark' }
  | { readonly ask: 'disconnect' };

/** Times in ms since the last attack began. */
export interface StormMark {
  readonly devices: number;
  /** Devices whose connection ended. */
  readonly lost: number;
  /** Frames, over all devices and attacks. */
  readonly sent: number;
  readonly acknowledged: number;
  readonly firstAck: number | null;
  /** Devices whose last frame is acknowledged, and when that was so of all. */
  readonly complete: number;
  readonly completeAt: number | null;
}

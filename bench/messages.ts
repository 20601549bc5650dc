/** The messages between the benchmark's processes, over Node's IPC: one request, one answer. */

/** Updates left out for viewers that do not read, and viewers closed for it. */
export interface SlowViewers {
  readonly skips: number;
  readonly closed: number;
}

/** Of a server, since it started; times in ms. */
export interface ServerMark {
  /** When, by the server's own clock. */
  readonly at: number;
  /** Frames received (bare server), or committed (broker). */
  readonly frames: number;
  /** Of the telemetry log so far; the bare server has none. */
  readonly logBytes: number;
  /** CPU time of the process with all its threads, µs. */
  readonly cpu: number;
  /** The longest turn of the event loop since the mark before. */
  readonly longestTurn: number;
  readonly memory: NodeJS.MemoryUsage;
  readonly viewers: SlowViewers;
}

export interface ServerReady {
  readonly port: number;
  /** Sent as X-API-Key; the bare server takes any. */
  readonly deviceKey: string;
  /** Of another customer. */
  readonly quietKey: string;
  readonly viewerKey: string;
}

export type ServerRequest =
  | { readonly ask: 'ready' }
  /** `collected`: after a garbage collection. */
  | { readonly ask: 'mark'; readonly memory: 'as-is' | 'collected' }
  | { readonly ask: 'stop' };

export interface Target extends ServerReady {
  readonly devices: number;
  readonly viewers: number;
}

export type LoadRequest =
  /** Adds devices and viewers to those that are there. */
  | ({ readonly ask: 'connect' } & Target)
  /** `framesPerSecond` 0: as much as the sockets take. Goes on until `stop`. */
  | { readonly ask: 'send'; readonly framesPerWrite: number; readonly framesPerSecond: number }
  | { readonly ask: 'mark' }
  /** Ends sending; answered when the kernel has taken everything. */
  | { readonly ask: 'stop' }
  /** A viewer that subscribes to everything and reads nothing. */
  | { readonly ask: 'stuck-viewer' }
  | { readonly ask: 'disconnect' };

/** Of the load; latencies since the mark before, ms. */
export interface LoadMark {
  /** Frames written since the connections were made. */
  readonly sent: number;
  /** From the moment at which a write was due to the ack that covered it. */
  readonly ack: { readonly count: number; readonly p50: number; readonly p99: number; readonly max: number };
  /** Bytes that viewers have read since the mark before. */
  readonly viewerBytes: number;
}

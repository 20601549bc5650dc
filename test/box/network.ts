/**
 * A simulated network: connections between two ends, each direction a pipe of bytes that arrive in order, after a delay, and cut into
 * pieces anywhere. A connection can be cut, or become half-open: then bytes vanish and nobody is told. Owns who listens and
 * what is on its way.
 */
import type { Duplex } from 'node:stream';
import { type Link, Pipe, type PipeParts } from './pipe.ts';
import type { SimulatedProcess } from './process.ts';
import type { SeededRandom } from './random.ts';
import { SimulatedSocket } from './socket.ts';
import type { World } from './world.ts';

/** The end that an actor holds. Callbacks come in the world's time. */
export interface ClientEnd {
  readonly bufferedBytes: number;
  /** Since when the other end waits to write, for too much is on its way; virtual ms. null: it does not. */
  readonly stalledAt: number | null;
  /** When it last did; virtual ms. */
  readonly stalledTo: number;
  /** Whether bytes vanish, and nobody was told. */
  readonly isHalfOpen: boolean;
  write(bytes: Uint8Array): void;
  /** No more bytes from here; what was written arrives. */
  end(): void;
  /** The connection is gone at once, with what is on its way. */
  cut(): void;
  /** Bytes vanish in both directions, and nobody is told. */
  vanish(): void;
  /** An end that does not read: `pause`. */
  pause(): void;
  resume(): void;
}

export interface ClientEvents {
  /** `sentAt`: when they were written; virtual ms. */
  data(bytes: Uint8Array, sentAt: number): void;
  /** Once: the other end closed, or the connection is gone. */
  closed(): void;
}

type Accept = (socket: Duplex) => void;

/** An actor that is connected to. */
type Serve = (end: ClientEnd) => ClientEvents;

interface Listener {
  readonly process: SimulatedProcess;
  readonly accept: Accept;
}

/** In good weather. */
export const LINK: Link = { delay: [0.2, 3], pieces: 0.05 };

export class Network {
  private readonly world: World;
  private readonly random: SeededRandom;
  private readonly listeners = new Map<string, Listener>();
  private readonly servers = new Map<string, Serve>();
  private readonly connections = new Set<Connection>();
  private connected = 0;
  link = LINK;

  constructor(world: World) {
    this.world = world;
    this.random = world.randomOf('network');
  }

  /** `address`: any name. */
  listen(address: string, process: SimulatedProcess, accept: Accept): void {
    this.listeners.set(address, { process, accept });
  }

  close(address: string): void {
    this.listeners.delete(address);
  }

  /** A process at the other end gets the socket. `events.closed` if nobody listens there. `window`: bytes on their way. */
  connect(address: string, from: string, events: ClientEvents, window?: number): ClientEnd {
    this.connected += 1;
    const { world, random, link } = this;
    const name = `${from}#${this.connected}`;
    const connection = new Connection({
      ...{ world, random, link, name, events, from },
      ...(window === undefined ? {} : { window }),
    });
    const [least, most] = link.delay;
    world.after(
      random.between(least, most),
      () => {
        const listener = this.listeners.get(address);
        if (!listener?.process.alive) {
          connection.refuse();
          return;
        }
        this.connections.add(connection);
        const socket = connection.open(listener.process, () => this.connections.delete(connection));
        if (socket) world.after(0, () => listener.accept(socket), listener.process);
      },
      null,
    );
    return connection.client;
  }

  /** An actor is at `address`; null: nobody is any more. */
  serve(address: string, serve: Serve | null): void {
    if (serve) this.servers.set(address, serve);
    else this.servers.delete(address);
  }

  /** A process connects to an actor; its end is the stream, and fails if nobody is there. */
  dial(address: string, process: SimulatedProcess): Duplex {
    this.connected += 1;
    const { world, random, link } = this;
    const name = `${address}#${this.connected}`;
    let events: ClientEvents = { data: () => {}, closed: () => {} };
    const connection = new Connection({
      world,
      random,
      link,
      name,
      from: address,
      events: { data: (bytes, sentAt) => events.data(bytes, sentAt), closed: () => events.closed() },
    });
    const socket = connection.begin(process, () => this.connections.delete(connection));
    const [least, most] = link.delay;
    world.after(
      random.between(least, most),
      () => {
        const serve = this.servers.get(address);
        if (!serve) {
          world.after(0, () => socket.destroy(refused()), process);
          return;
        }
        if (socket.destroyed || !process.alive) return;
        this.connections.add(connection);
        events = serve(connection.client);
        connection.flow();
      },
      null,
    );
    return socket;
  }

  /** Those that a process has: its kernel ends them when it dies, and nobody does when its machine has no power. */
  abandon(process: SimulatedProcess, how: 'cut' | 'vanish'): void {
    for (const connection of [...this.connections]) {
      if (connection.process !== process) continue;
      if (how === 'cut') connection.cut();
      else connection.vanish();
      this.connections.delete(connection);
    }
  }

  get size(): number {
    return this.connections.size;
  }

  /** A share of what is open now. */
  disturb(share: number, how: 'cut' | 'vanish'): void {
    for (const connection of [...this.connections]) {
      if (!this.random.chance(share)) continue;
      if (how === 'cut') connection.cut();
      else connection.vanish();
    }
  }
}

interface ConnectionParts extends PipeParts {
  readonly name: string;
  readonly from: string;
  readonly events: ClientEvents;
}

class Connection {
  readonly client: ClientEnd;
  process: SimulatedProcess | null = null;
  private readonly parts: ConnectionParts;
  private readonly up: Pipe;
  private readonly down: Pipe;
  private socket: SimulatedSocket | null = null;
  private state: 'connecting' | 'open' | 'vanished' | 'closed' = 'connecting';
  private gone: () => void = () => {};

  constructor(parts: ConnectionParts) {
    this.parts = parts;
    const { events } = parts;
    this.up = new Pipe(parts, {
      data: (bytes) => this.socket?.deliver(bytes) ?? true,
      end: () => this.socket?.deliver(null),
    });
    this.down = new Pipe(parts, {
      data: (bytes, sentAt) => {
        if (this.state === 'open') events.data(bytes, sentAt);
        return true;
      },
      end: () => this.close(),
    });
    const { up, down } = this;
    const isHalfOpen = () => this.state === 'vanished';
    this.client = {
      get bufferedBytes() {
        return up.bytes;
      },
      get stalledAt() {
        return down.stalledAt;
      },
      get stalledTo() {
        return down.stalledTo;
      },
      get isHalfOpen() {
        return isHalfOpen();
      },
      write: (bytes) => this.state !== 'closed' && this.state !== 'vanished' && up.write(bytes, () => {}),
      end: () => up.end(),
      cut: () => this.cutFromClient(),
      vanish: () => this.vanish(),
      pause: () => down.pause(),
      resume: () => down.resume(),
    };
  }

  refuse(): void {
    if (this.state !== 'connecting') return;
    this.state = 'closed';
    this.parts.events.closed();
  }

  /** The process' end, and bytes flow; null: the client has given up. */
  open(process: SimulatedProcess, gone: () => void): Duplex | null {
    if (this.state !== 'connecting') {
      gone();
      return null;
    }
    const socket = this.begin(process, gone);
    this.flow();
    return socket;
  }

  /** The process' end. Bytes wait until they `flow`. */
  begin(process: SimulatedProcess, gone: () => void): Duplex {
    const { world, name, from } = this.parts;
    this.process = process;
    this.up.owner = process;
    this.gone = gone;
    const { up, down } = this;
    this.socket = new SimulatedSocket({
      process,
      world,
      name,
      from,
      write: (bytes, written) => this.state !== 'closed' && down.write(bytes, written),
      end: () => down.end(),
      reading: (isReading) => (isReading ? up.resume() : up.pause()),
      destroyed: () => this.closeFromServer(),
    });
    return this.socket;
  }

  flow(): void {
    if (this.state !== 'connecting') return;
    this.state = 'open';
    this.up.open();
    this.down.open();
  }

  cut(): void {
    if (this.state === 'connecting') this.refuse();
    if (this.state === 'closed') return;
    this.state = 'open';
    const { socket, process } = this;
    if (socket && process?.alive) {
      this.parts.world.after(0, () => socket.destroy(resetOf(socket)), process);
    }
    this.close();
  }

  /** Where bytes vanish, the process hears nothing of it either. */
  private cutFromClient(): void {
    if (this.state === 'vanished') this.close();
    else this.cut();
  }

  vanish(): void {
    if (this.state !== 'open') return;
    this.state = 'vanished';
    this.up.stop();
    this.down.stop();
  }

  /** The process let go of it: what it wrote still arrives. */
  private closeFromServer(): void {
    this.gone();
    if (this.state === 'open') this.down.end();
  }

  private close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.up.stop();
    this.down.stop();
    this.gone();
    this.parts.events.closed();
  }
}

function refused(): Error {
  return Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' });
}

/** One that nobody has accepted yet is gone without a word. */
function resetOf(socket: Duplex): Error | undefined {
  if (socket.listenerCount('error') === 0) return undefined;
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
}

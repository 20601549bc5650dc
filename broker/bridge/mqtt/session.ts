/**
 * Keeps one connection to MQTT, and fails over: tries the addresses of `mqtt.url` in order, each with MQTT 5 and then
 * 3.1.1, and pauses longer after each round in which none let it in. Owns the connection at hand and its state; until it
 * is stopped, an attempt, a connection or a pause is always under way.
 */
import { Backoff } from '../../base/backoff.ts';
import type { Clock, Random, Timer } from '../../base/clock.ts';
import type { Dial, ServerAddress } from './addresses.ts';
import {
  MqttConnection,
  type MqttConnectionFailure,
  type MqttConnectionOptions,
  type PeerHello,
  type PeerMessage,
} from './connection.ts';
import type { ProtocolVersion } from './publish-writer.ts';

export interface MqttSessionOptions extends Omit<MqttConnectionOptions, 'address' | 'version' | 'dial'> {
  /** Tried in order until one lets us in; only one is connected at a time. */
  readonly addresses: readonly ServerAddress[];
  readonly protocol: 'auto' | 'mqtt5' | 'mqtt3.1.1';
  /** The longest pause between two rounds of attempts. */
  readonly reconnectMs: number;
}

export interface MqttSessionEvents {
  connecting(server: string): void;
  connected(server: string, hello: PeerHello): void;
  /** An attempt failed, or an open connection ended; the next attempt comes by itself. */
  failed(server: string, message: string): void;
  acknowledged(id: number, reason: number): void;
  /** Something came from the peer, or it can take more. */
  turned(): void;
  message(message: PeerMessage): Promise<void>;
}

export interface MqttSessionParts {
  readonly options: MqttSessionOptions;
  readonly events: MqttSessionEvents;
  readonly dial: Dial;
  readonly clock: Clock;
  readonly random: Random;
}

const FIRST_PAUSE_MS = 200;
const GOODBYE_MS = 2000;

export class MqttSession {
  private readonly options: MqttSessionOptions;
  private readonly events: MqttSessionEvents;
  private readonly dial: Dial;
  private readonly clock: Clock;
  private state: 'new' | 'trying' | 'connected' | 'pausing' | 'stopped' = 'new';
  private current: MqttConnection | null = null;
  private pause: Timer | null = null;
  /** Of rounds without success. */
  private readonly backoff: Backoff;
  private left: (() => void) | null = null;

  constructor(parts: MqttSessionParts) {
    this.options = parts.options;
    this.events = parts.events;
    this.dial = parts.dial;
    this.clock = parts.clock;
    this.backoff = new Backoff({
      first: FIRST_PAUSE_MS,
      most: parts.options.reconnectMs,
      // Half of it at random: many bridges that lost one server do not come back at once.
      least: (ceiling) => ceiling / 2,
      random: parts.random,
    });
  }

  /** The open connection. */
  get connection(): MqttConnection | null {
    return this.state === 'connected' ? this.current : null;
  }

  start(): void {
    if (this.state === 'new') this.attempt(0, this.firstVersion());
  }

  /**
   * Says goodbye and waits for the end of the connection, for a while. Idempotent. `unheard`: the server does not know yet that the
   * bridge goes, so it leaves without a word, and the will says it.
   */
  async stop(offline: 'heard' | 'unheard'): Promise<void> {
    this.pause?.cancel();
    this.state = 'stopped';
    const connection = this.current;
    if (!connection) return;
    await new Promise<void>((resolve) => {
      const patience = this.clock.after(GOODBYE_MS, () => connection.fail('it did not take the goodbye'));
      this.left = () => {
        patience.cancel();
        resolve();
      };
      if (offline === 'heard') connection.end();
      else connection.fail('it did not hear that the bridge stops');
    });
  }

  private attempt(index: number, version: ProtocolVersion): void {
    const { options, events } = this;
    const address = options.addresses[index] as ServerAddress;
    this.state = 'trying';
    events.connecting(address.name);
    const connection = new MqttConnection(
      { ...options, address, version, dial: this.dial },
      {
        opened: (hello) => this.opened(address, hello),
        acknowledged: (id, reason) => {
          this.backoff.reset();
          events.acknowledged(id, reason);
        },
        received: () => events.turned(),
        drained: () => events.turned(),
        message: (message) => events.message(message),
        closed: (failure) => this.closed(index, version, failure),
      },
    );
    this.current = connection;
    connection.connect();
  }

  private opened({ name }: ServerAddress, hello: PeerHello): void {
    if (this.state !== 'trying') return;
    this.state = 'connected';
    this.events.connected(name, hello);
  }

  private closed(index: number, version: ProtocolVersion, { message, cause }: MqttConnectionFailure): void {
    const { addresses, protocol } = this.options;
    const was = this.state;
    this.current = null;
    this.left?.();
    if (was === 'stopped') return;
    this.state = 'pausing';
    this.events.failed((addresses[index] as ServerAddress).name, message);
    if (was === 'trying' && cause === 'version' && version === 5 && protocol === 'auto')
      this.attempt(index, 4);
    else if (was === 'trying' && index + 1 < addresses.length) this.attempt(index + 1, this.firstVersion());
    else this.waitAndTry();
  }

  private waitAndTry(): void {
    this.pause = this.clock.after(this.backoff.next(), () => this.attempt(0, this.firstVersion()));
  }

  private firstVersion(): ProtocolVersion {
    return this.options.protocol === 'mqtt3.1.1' ? 4 : 5;
  }
}

/**
 * The MQTT server as a guest of a box, with those who command devices over it: of which kind it is in this run, and how the broker is configured
 * for it. Owns the server and its judges.
 */
import type { Config } from '../../schemas/config.ts';
import type { Box } from './box.ts';
import type { Guest } from './guests.ts';
import { MqttCommands } from './mqtt-commands.ts';
import type { PeerConnection } from './mqtt-connection.ts';
import { BASE_TOPIC, MqttJudge } from './mqtt-judge.ts';
import { MqttPeer, type PeerCharacter } from './mqtt-peer.ts';
import type { World } from './world.ts';

/** What a run has of MQTT. */
export interface MqttSetting {
  readonly character: PeerCharacter;
  readonly config: Partial<Config['mqtt']>;
}

const HOST = 'peer';
/** ms. */
const STATUS_KNOWN = 60_000;

export function mqttSettingOf(world: World): MqttSetting {
  const random = world.randomOf('mqtt');
  const slow = random.pick([2, 20, 200]);
  return {
    character: {
      version: random.pick([5, 5, 4]),
      receiveMaximum: random.pick([65_535, 20, 3]),
      ackDelay: [0, slow],
      willDelay: random.pick([0, 3000]),
    },
    config: {
      url: `mqtt://${HOST}`,
      baseTopic: BASE_TOPIC,
      inFlight: random.pick([1000, 50, 8]),
      homeAssistant: random.chance(0.5),
      commandCustomers: random.pick([['*'], ['customer-0']]),
    },
  };
}

export class MqttGuest implements Guest {
  readonly peer: MqttPeer;
  private readonly judgeOfLog: MqttJudge;
  readonly commands: MqttCommands;
  private readonly box: Box;
  /** What it waited for, and when that was asked; virtual ms. */
  private answer: { readonly at: number; readonly words: string | null } = { at: -1, words: null };

  constructor(box: Box, { character, config }: MqttSetting) {
    const { world, network } = box;
    this.box = box;
    this.judgeOfLog = new MqttJudge(box, config.homeAssistant === true ? 'on' : 'off');
    const { judgeOfLog } = this;
    this.peer = new MqttPeer({
      world,
      network,
      random: world.randomOf('mqtt/peer'),
      address: `mqtt:${HOST}`,
      character,
      events: {
        opened: (connection) => {
          world.note('mqtt', 'lets in', connection.clientId);
          this.watch(connection);
        },
        arrived: (connection, packet) => judgeOfLog.arrived(connection, packet, character.receiveMaximum),
        taken: (connection, packet) => {
          judgeOfLog.taken(packet);
          this.commands.taken(connection, packet);
        },
        delivered: (publication) => this.commands.delivered(publication),
        farewell: (connection) => judgeOfLog.farewell(connection),
        gone: (connection) => world.note('mqtt', 'loses', connection.clientId),
        wrong: (message) => judgeOfLog.wrong(message),
      },
    });
    this.commands = new MqttCommands(box, this.peer, config.commandCustomers ?? []);
    // Before the broker starts.
    this.peer.start();
  }

  /** Undisturbed, a bridge that is connected is known to be. */
  private watch(connection: PeerConnection): void {
    const { world, machine } = this.box;
    const { peer } = this;
    world.after(
      STATUS_KNOWN,
      () => {
        const { running } = machine;
        if (connection.state !== 'open') return;
        const isQuiet =
          running?.state === 'ready' &&
          running.process.heldUntil < world.time - STATUS_KNOWN &&
          connection.unacknowledged === 0 &&
          peer.willAt < world.time - STATUS_KNOWN / 2;
        if (isQuiet && peer.acks !== 'none' && peer.acks !== 'slow') this.judgeOfLog.isThere(peer);
        this.watch(connection);
      },
      null,
    );
  }

  begin(): void {
    this.commands.start();
  }

  calm(): void {
    // A backlog must be gone in time.
    this.peer.acknowledge('at once');
    this.commands.calm();
  }

  /** Asked at each happening; looked at ten times a second. */
  waitsFor(): string | null {
    const { time } = this.box.world;
    if (time - this.answer.at < 100 && this.answer.at >= 0) return this.answer.words;
    const words = this.judgeOfLog.waitsFor(this.peer) ?? this.commands.waitsFor();
    this.answer = { at: time, words };
    return words;
  }

  judge(): void {
    this.judgeOfLog.judge();
  }

  leave(): void {
    this.commands.leave();
  }
}

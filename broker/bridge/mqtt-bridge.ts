/**
 * The MQTT bridge as a whole: connects the forwarder, the intake of commands and the announcer of Home Assistant, and
 * decides what of it is recorded in the audit. Does nothing without `mqtt.url`.
 */
import type { BridgeStats } from '../../schemas/api.ts';
import type { Config } from '../../schemas/config.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Audit } from '../hub/audit/audit.ts';
import type { Fleet } from '../hub/fleet/fleet.ts';
import {
  BRIDGE,
  CommandIntake,
  type CommandIntakeParts,
  type IntakeRecord,
  RefusalRecords,
} from './command-intake.ts';
import { Forwarder, type ForwarderParts } from './forwarder.ts';
import { Announcer } from './home-assistant/announcer.ts';
import { configuredMetadata } from './home-assistant/discovery.ts';
import { everyCommand } from './topics.ts';
import type { StartBridgeThread } from './worker-client.ts';

/** In the place of customers that have no device: no id (P-1.4). */
const UNKNOWN = '?';

export interface MqttBridgeParts {
  readonly log: ForwarderParts['log'];
  readonly fleet: Fleet;
  readonly commands: CommandIntakeParts['commands'];
  readonly audit: Audit;
  readonly startThread: StartBridgeThread;
  readonly config: Config['mqtt'];
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class MqttBridge {
  private readonly forwarder: Forwarder;
  private readonly config: Config['mqtt'];
  private readonly intake: CommandIntake;
  private readonly refusals: RefusalRecords<IntakeRecord>;
  private readonly announcer: Announcer | null;

  constructor(parts: MqttBridgeParts) {
    const { log, fleet, audit, startThread, config, clock, logger } = parts;
    this.config = config;
    this.forwarder = new Forwarder({
      config,
      log,
      fleet,
      startThread,
      clock,
      logger,
      onOutage: (statement) =>
        audit.add({
          by: 'broker',
          customer: '*',
          action: 'bridge.outage',
          target: 'mqtt',
          detail: { ...statement },
          outcome: 'drained',
        }),
    });
    this.refusals = new RefusalRecords({
      clock,
      record: (refusal) => record(audit, refusal),
      leftOut: (count) => recordLeftOut(audit, count),
    });
    this.intake = this.makeIntake(parts);
    this.announcer = config.homeAssistant ? this.makeAnnouncer(parts) : null;
  }

  /** After the log is open. */
  start(): void {
    if (this.config.url.trim() === '') return;
    const { forwarder, intake, announcer } = this;
    forwarder.receive(everyCommand(this.config.baseTopic), (message) => intake.receive(message));
    intake.start();
    if (announcer) this.connectAnnouncer(announcer);
    forwarder.start();
  }

  /** What operators see. */
  status(): BridgeStats {
    const { dropped, ...status } = this.forwarder.status();
    return { ...status, dropped: { ...dropped }, commands: { ...this.intake.counts } };
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.announcer?.stop();
    this.intake.stop();
    this.refusals.stop();
    await this.forwarder.stop();
  }

  private connectAnnouncer(announcer: Announcer): void {
    const { forwarder } = this;
    forwarder.receive(announcer.statusTopic, async ({ payload }) => {
      announcer.receive(Buffer.from(payload).toString());
    });
    forwarder.onConnected(() => announcer.connected());
    forwarder.onLeftBehind((customer, device) => announcer.withdraw(customer, device));
    announcer.start();
  }

  private makeIntake({ commands, audit, fleet, logger }: MqttBridgeParts): CommandIntake {
    const { baseTopic, homeAssistantPrefix: discoveryPrefix, commandCustomers: customers } = this.config;
    return new CommandIntake({
      commands,
      customers,
      baseTopic,
      discoveryPrefix,
      publish: (message) => void this.forwarder.publish(message),
      audit: (entry) => {
        if (entry.command) record(audit, entry);
        else this.refusals.add(entry, fleet.countOf(entry.customer) > 0 ? entry.customer : UNKNOWN);
      },
      logger,
    });
  }

  private makeAnnouncer({ fleet, version, clock, logger }: MqttBridgeParts): Announcer {
    const { baseTopic, homeAssistantPrefix, homeAssistantMetrics, homeAssistantButtons } = this.config;
    const metadata = configuredMetadata(homeAssistantMetrics);
    return new Announcer({
      fleet,
      clock,
      logger,
      prefix: homeAssistantPrefix,
      options: { baseTopic, version, metadata, buttons: homeAssistantButtons },
      publish: (topic, payload) => this.forwarder.publish({ topic, payload, retain: true }),
    });
  }
}

function record(audit: Pick<Audit, 'add'>, { customer, device, name, command, refusal }: IntakeRecord): void {
  const target = `${customer}/${device}`;
  const entry = { by: BRIDGE, customer, action: 'command.send', target } as const;
  if (command) {
    const detail = { command: command.id, name };
    audit.add({ ...entry, detail, outcome: null, reference: `command ${customer}/${command.id}` });
  } else audit.add({ ...entry, detail: { name }, outcome: `refused: ${refusal}` });
}

/** For admins only: nobody knows any more whose devices these commands were for. */
function recordLeftOut(audit: Pick<Audit, 'add'>, count: number): void {
  const outcome = 'refused: more in a minute than are listed';
  const detail = { leftOut: count };
  audit.add({ by: BRIDGE, customer: '*', action: 'command.send', target: 'mqtt', detail, outcome });
}

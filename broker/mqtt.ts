/**
 * The MQTT side put together: the bridge outwards, commands inwards, and what Home Assistant is told. Inert without
 * `mqtt.url`.
 */
import type { BridgeStats } from '../schemas/api.ts';
import type { Config } from '../schemas/config.ts';
import type { Clock } from './base/clock.ts';
import type { Logger } from './base/logger.ts';
import { BRIDGE, CommandIntake, type IntakeRecord, RefusalRecords } from './bridge/command-intake.ts';
import { Forwarder } from './bridge/forwarder.ts';
import { Announcer } from './bridge/home-assistant/announcer.ts';
import { configuredMetadata } from './bridge/home-assistant/discovery.ts';
import { everyCommand } from './bridge/topics.ts';
import { bridgeThreads } from './bridge/worker-client.ts';
import type { Core } from './core.ts';
import type { Audit } from './hub/audit/audit.ts';

/** In the place of customers that have no device: no id (P-1.4). */
const UNKNOWN = '?';

export interface MqttParts {
  readonly core: Pick<Core, 'stores' | 'fleet' | 'control'>;
  readonly config: Config['mqtt'];
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Mqtt {
  readonly bridge: Forwarder;
  private readonly config: Config['mqtt'];
  private readonly intake: CommandIntake;
  private readonly refusals: RefusalRecords<IntakeRecord>;
  private readonly announcer: Announcer | null;

  constructor({ core, config, version, clock, logger }: MqttParts) {
    const { stores, fleet, control } = core;
    const { audit } = control;
    const { log } = stores;
    this.config = config;
    this.bridge = new Forwarder({
      config,
      log,
      fleet,
      startThread: bridgeThreads(),
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
    this.intake = this.makeIntake(control, fleet, logger);
    this.announcer = config.homeAssistant ? this.makeAnnouncer(fleet, version, clock, logger) : null;
  }

  /** After the log is open. */
  start(): void {
    if (this.config.url.trim() === '') return;
    const { bridge, intake, announcer } = this;
    bridge.receive(everyCommand(this.config.baseTopic), (message) => intake.receive(message));
    intake.start();
    if (announcer) this.connectAnnouncer(announcer);
    bridge.start();
  }

  /** What operators see. */
  status(): BridgeStats {
    const { dropped, ...status } = this.bridge.status();
    return { ...status, dropped: { ...dropped }, commands: { ...this.intake.counts } };
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.announcer?.stop();
    this.intake.stop();
    this.refusals.stop();
    await this.bridge.stop();
  }

  private connectAnnouncer(announcer: Announcer): void {
    const { bridge } = this;
    bridge.receive(announcer.statusTopic, async ({ payload }) => {
      announcer.receive(Buffer.from(payload).toString());
    });
    bridge.onConnected(() => announcer.connected());
    announcer.start();
  }

  private makeIntake(
    { commands, audit }: Core['control'],
    fleet: Core['fleet'],
    logger: Logger,
  ): CommandIntake {
    const { bridge } = this;
    const { baseTopic, homeAssistantPrefix: discoveryPrefix, commandCustomers: customers } = this.config;
    return new CommandIntake({
      commands,
      customers,
      baseTopic,
      discoveryPrefix,
      publish: (message) => void bridge.publish(message),
      audit: (entry) => {
        if (entry.command) record(audit, entry);
        else this.refusals.add(entry, fleet.countOf(entry.customer) > 0 ? entry.customer : UNKNOWN);
      },
      logger,
    });
  }

  private makeAnnouncer(fleet: Core['fleet'], version: string, clock: Clock, logger: Logger): Announcer {
    const { bridge } = this;
    const { baseTopic, homeAssistantPrefix, homeAssistantMetrics, homeAssistantButtons } = this.config;
    const metadata = configuredMetadata(homeAssistantMetrics);
    return new Announcer({
      fleet,
      clock,
      logger,
      prefix: homeAssistantPrefix,
      options: { baseTopic, version, metadata, buttons: homeAssistantButtons },
      publish: (topic, payload) => bridge.publish({ topic, payload, retain: true }),
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

/** For admins: whose devices they were for is not known any more. */
function recordLeftOut(audit: Pick<Audit, 'add'>, count: number): void {
  const outcome = 'refused: more in a minute than are listed';
  const detail = { leftOut: count };
  audit.add({ by: BRIDGE, customer: '*', action: 'command.send', target: 'mqtt', detail, outcome });
}

/**
 * Describes a device to Home Assistant's MQTT integration: one message lists all of its entities (the documented "device
 * discovery payload"). Names and unique ids come from customer, device and metric alone, so they stay. A metric's unit,
 * device class and state class come from hello's `meta` (`unit:temp`, `class:temp`), else from the configuration
 * (`mqtt.homeAssistantMetrics`, `temp=°C:temperature`). Pure.
 */
import type { ValueMap } from '../../wire/frames.ts';
import { commandTopic, deviceTopic, parseDeviceTopic, statusTopic } from '../topics.ts';

export interface MetricMetadata {
  readonly unit: string | null;
  /** Such as `temperature`; Home Assistant knows which there are. */
  readonly deviceClass: string | null;
  /** `measurement`, `total` or `total_increasing`; null: `measurement` for numbers. */
  readonly stateClass: string | null;
}

/** `metric=unit:device class:state class`, each of the three may be empty. Held by schemas/config.ts. */
const CONFIGURED = /^([A-Za-z_][A-Za-z0-9_.-]{0,63})=([^:]*)(?::([a-z_]*))?(?::([a-z_]*))?$/;

const NOTHING: MetricMetadata = { unit: null, deviceClass: null, stateClass: null };

/** Lines that are none are left out; the configuration refuses them before. */
export function configuredMetadata(lines: readonly string[]): ReadonlyMap<string, MetricMetadata> {
  return new Map(
    lines.flatMap((line) => {
      const [, metric, unit, deviceClass, stateClass] = CONFIGURED.exec(line) ?? [];
      if (metric === undefined) return [];
      const one = { unit: text(unit), deviceClass: text(deviceClass), stateClass: text(stateClass) };
      return [[metric, one] as const];
    }),
  );
}

/** `meta`: of the device's hello. */
function metadataOf(
  metric: string,
  configured: ReadonlyMap<string, MetricMetadata>,
  meta: ValueMap | null,
): MetricMetadata {
  const { unit, deviceClass, stateClass } = configured.get(metric) ?? NOTHING;
  return {
    unit: text(meta?.[`unit:${metric}`]) ?? unit,
    deviceClass: text(meta?.[`class:${metric}`]) ?? deviceClass,
    stateClass,
  };
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** What kind of entity a metric becomes, by its value. */
export type EntityKind = 'number' | 'boolean' | 'text';

export interface DiscoveredDevice {
  readonly customer: string;
  readonly id: string;
  readonly model: string | null;
  readonly firmware: string | null;
  readonly meta: ValueMap | null;
  /** Metric → kind, of those that can be shown. */
  readonly metrics: ReadonlyMap<string, EntityKind>;
}

export interface DiscoveryOptions {
  /** `signalbox` */
  readonly baseTopic: string;
  /** Of Signalbox. */
  readonly version: string;
  readonly metadata: ReadonlyMap<string, MetricMetadata>;
  /** Commands that become buttons. */
  readonly buttons: readonly string[];
}

type Entity = Readonly<Record<string, unknown>>;

/** Of a metric; null: Home Assistant shows no bytes, lists and maps. */
export function entityKind(value: unknown): EntityKind | null {
  if (typeof value === 'number') return 'number';
  if (typeof value === 'boolean') return 'boolean';
  return typeof value === 'string' ? 'text' : null;
}

export function discoveryPayload(device: DiscoveredDevice, options: DiscoveryOptions): string {
  const { customer, id, model, firmware } = device;
  const topics = topicsOf(device, options.baseTopic);
  const metrics = [...device.metrics].map(([metric, kind]) => [
    metric,
    metricEntity(device, metric, kind, options, topics),
  ]);
  const buttons = options.buttons.map((name) => [`/command/${name}`, buttonEntity(device, name, topics)]);
  return JSON.stringify({
    device: {
      identifiers: [uniqueId(device)],
      name: `${customer} ${id}`,
      ...(model === null ? {} : { model }),
      ...(firmware === null ? {} : { sw_version: firmware }),
    },
    origin: { name: 'Signalbox', sw_version: options.version },
    components: Object.fromEntries([
      ['/connectivity', connectivityEntity(device, topics)],
      ...metrics,
      ...buttons,
    ]),
    qos: 1,
  });
}

/** `customer/device` of a message that this bridge has made under this base topic; null: another's. */
export function announcedDevice(payload: Uint8Array, baseTopic: string): string | null {
  try {
    const { components } = JSON.parse(Buffer.from(payload).toString());
    const known = parseDeviceTopic(baseTopic, components['/connectivity'].state_topic, 'availability');
    return known && `${known.customer}/${known.device}`;
  } catch {
    // Whatever it is, this bridge has not made it.
    return null;
  }
}

interface EntityTopics {
  readonly bridge: string;
  readonly availability: string;
  readonly state: string;
  readonly command: (name: string) => string;
}

function topicsOf({ customer, id }: DiscoveredDevice, base: string): EntityTopics {
  return {
    bridge: statusTopic(base),
    availability: deviceTopic(base, customer, id, 'availability'),
    state: deviceTopic(base, customer, id, 'state'),
    command: (name) => commandTopic(base, customer, id, name),
  };
}

function metricEntity(
  device: DiscoveredDevice,
  metric: string,
  kind: EntityKind,
  { metadata }: DiscoveryOptions,
  topics: EntityTopics,
): Entity {
  const { unit, deviceClass, stateClass } = metadataOf(metric, metadata, device.meta);
  const value = `value_json['${metric}']`;
  const common = {
    unique_id: uniqueId(device, metric),
    name: metric,
    state_topic: topics.state,
    ...available(topics),
    ...(deviceClass === null ? {} : { device_class: deviceClass }),
  };
  if (kind === 'boolean') {
    return { platform: 'binary_sensor', ...common, value_template: `{{ 'ON' if ${value} else 'OFF' }}` };
  }
  return {
    platform: 'sensor',
    ...common,
    value_template: `{{ ${value} }}`,
    ...(kind === 'number' ? { state_class: stateClass ?? 'measurement' } : {}),
    ...(unit === null ? {} : { unit_of_measurement: unit }),
  };
}

/** Shown while the device is away, too: that is what it says. */
function connectivityEntity(device: DiscoveredDevice, { bridge, availability }: EntityTopics): Entity {
  return {
    platform: 'binary_sensor',
    unique_id: uniqueId(device, '/connectivity'),
    name: 'Connected',
    device_class: 'connectivity',
    entity_category: 'diagnostic',
    state_topic: availability,
    payload_on: 'online',
    payload_off: 'offline',
    availability: [{ topic: bridge }],
  };
}

function buttonEntity(device: DiscoveredDevice, name: string, topics: EntityTopics): Entity {
  return {
    platform: 'button',
    unique_id: uniqueId(device, `/command/${name}`),
    name,
    command_topic: topics.command(name),
    payload_press: '',
    ...available(topics),
  };
}

function available({ bridge, availability }: EntityTopics): Entity {
  return { availability: [{ topic: bridge }, { topic: availability }], availability_mode: 'all' };
}

/** `/` stands in no id and no metric, so two never meet. */
function uniqueId({ customer, id }: DiscoveredDevice, what = ''): string {
  return ['signalbox', customer, id, ...(what === '' ? [] : [what])].join('/');
}

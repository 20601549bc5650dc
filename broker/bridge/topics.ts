/**
 * Builds, parses and compares the MQTT topics that the bridge publishes and hears (docs/mqtt.md), its own and those of
 * Home Assistant; no other file does. Pure. No part of a topic may reach another topic: ids and names hold no `/`, `+`,
 * `#`, `$` and NUL by their patterns (P-1.4), and what does not match its pattern throws here instead of being published.
 */
import { METRIC_NAME } from '../../schemas/frames.ts';
import { ID_PATTERN } from '../hub/fleet/topics.ts';

/** What the bridge publishes of a device. */
export type DeviceRoute = 'availability' | 'state' | 'telemetry' | 'event';

export interface CommandTopic {
  readonly customer: string;
  readonly device: string;
  readonly name: string;
}

const NAME_PATTERN = new RegExp(METRIC_NAME);

/** Birth, will and clean stop. */
export function statusTopic(base: string): string {
  return `${base}/bridge/status`;
}

/** Throws RangeError for what is no id. */
export function deviceTopic(base: string, customer: string, device: string, route: DeviceRoute): string {
  return `${base}/${id(customer)}/${id(device)}/${route}`;
}

/** Filter of every device's topic of one route. */
export function everyDevice(base: string, route: DeviceRoute): string {
  return `${base}/+/+/${route}`;
}

/** Filter of every command of every device. */
export function everyCommand(base: string): string {
  return `${base}/+/+/command/+`;
}

/** Throws RangeError for what is no id or no command's name. */
export function commandResultTopic(base: string, customer: string, device: string, name: string): string {
  return `${base}/${id(customer)}/${id(device)}/command/${commandName(name)}/result`;
}

/** Where a command of this name is sent to. Throws as `commandResultTopic` does. */
export function commandTopic(base: string, customer: string, device: string, name: string): string {
  return `${base}/${id(customer)}/${id(device)}/command/${commandName(name)}`;
}

/** Where Home Assistant hears of a device. Throws RangeError for what is no id. */
export function discoveryTopic(prefix: string, customer: string, device: string): string {
  return `${prefix}/device/${id(customer)}_${id(device)}/config`;
}

/** Filter of every device's discovery. */
export function everyDiscovery(prefix: string): string {
  return `${prefix}/device/+/config`;
}

/** Where Home Assistant says that it has started. */
export function homeAssistantStatusTopic(prefix: string): string {
  return `${prefix}/status`;
}

/** null: another topic, or a part that is no id or name. */
export function parseCommandTopic(base: string, topic: string): CommandTopic | null {
  const [customer, device, kind, name, ...more] = below(base, topic) ?? [];
  if (kind !== 'command' || name === undefined || more.length > 0 || !NAME_PATTERN.test(name)) return null;
  return isId(customer) && isId(device) ? { customer, device, name } : null;
}

/** Whose topic of this route it is; null: nobody's. */
export function parseDeviceTopic(
  base: string,
  topic: string,
  route: DeviceRoute,
): { readonly customer: string; readonly device: string } | null {
  const [customer, device, last, ...more] = below(base, topic) ?? [];
  if (last !== route || more.length > 0) return null;
  return isId(customer) && isId(device) ? { customer, device } : null;
}

/** Whether a topic is `prefix` or below it; nothing is below an empty one. */
export function isBelow(topic: string, prefix: string): boolean {
  return prefix !== '' && (topic === prefix || topic.startsWith(`${prefix}/`));
}

/** Whether a filter of a subscription takes a topic (MQTT, section 4.7). */
export function matches(filter: string, topic: string): boolean {
  const parts = topic.split('/');
  const wanted = filter.split('/');
  if (wanted.at(-1) === '#')
    return wanted.slice(0, -1).every((part, index) => part === '+' || part === parts[index]);
  return (
    parts.length === wanted.length && wanted.every((part, index) => part === '+' || part === parts[index])
  );
}

function commandName(name: string): string {
  if (!NAME_PATTERN.test(name)) throw new RangeError(`${JSON.stringify(name)} is no name of a command`);
  return name;
}

function below(base: string, topic: string): string[] | null {
  return topic.startsWith(`${base}/`) ? topic.slice(base.length + 1).split('/') : null;
}

function isId(part: string | undefined): part is string {
  return part !== undefined && ID_PATTERN.test(part);
}

function id(part: string): string {
  if (!isId(part)) throw new RangeError(`${JSON.stringify(part)} is no id of a customer or device`);
  return part;
}

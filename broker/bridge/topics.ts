/**
 * The bridge's topics (interfaces.md): the one place where they are put together and taken apart. Pure.
 *
 * No part may reach another topic: ids and names hold no `/`, `+`, `#`, `$` and NUL by their patterns (P-1.4), and what
 * does not match its pattern throws here instead of being published.
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
  if (!NAME_PATTERN.test(name)) throw new RangeError(`${JSON.stringify(name)} is no name of a command`);
  return `${base}/${id(customer)}/${id(device)}/command/${name}/result`;
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

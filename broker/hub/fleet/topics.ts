/** Topics: `customer/device`, either part may be `+` (docs/live.md). Pure. */
import { ID } from '../../../schemas/names.ts';

/** P-1.4: what a customer or device id looks like. */
export const ID_PATTERN = new RegExp(`^${ID}$`);

export interface Topic {
  readonly customer: string;
  readonly device: string;
}

/** The parts of a device's name, `customer/device` (`Device.name`). */
export function splitName(name: string): Topic {
  const [customer = '', device = ''] = name.split('/');
  return { customer, device };
}

/** null if the text is not a topic. */
export function parseTopic(text: string): Topic | null {
  const parts = text.split('/');
  const [customer, device] = parts;
  if (parts.length !== 2 || !isPart(customer) || !isPart(device)) return null;
  return { customer, device };
}

export function topicMatches(topic: Topic, customer: string, device: string): boolean {
  return (
    (topic.customer === '+' || topic.customer === customer) &&
    (topic.device === '+' || topic.device === device)
  );
}

/** What a caller of `customer` (`*` for every one) may see of `topic`; null: nothing of it. */
export function restrictTopic(topic: Topic, customer: string): Topic | null {
  if (customer === '*' || topic.customer === customer) return topic;
  return topic.customer === '+' ? { customer, device: topic.device } : null;
}

function isPart(part: string | undefined): part is string {
  return part === '+' || (part !== undefined && ID_PATTERN.test(part));
}

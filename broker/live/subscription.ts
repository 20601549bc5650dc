/**
 * Describes one subscription of a viewer: which devices it covers, and up to which revision it has been told. That
 * revision is all that a viewer costs; what it missed is read from the fleet. Only the viewer changes it.
 */
import type { Device } from '../hub/fleet/device.ts';
import { type Topic, topicMatches } from '../hub/fleet/topics.ts';

/** What is being told page by page, as the transport drains (catchup.ts). */
export interface Catchup {
  /** The subscription has been told everything up to this revision when `messages` ends. */
  readonly toldTo: number;
  readonly messages: Iterator<Buffer, void>;
}

export interface Subscription {
  readonly id: number;
  /** Restricted to what the caller may see. */
  readonly topic: Topic;
  /** Names of the devices whose values are wanted; null: all of the topic. */
  watched: ReadonlySet<string> | null;
  /** Every change up to this revision has been told; 0: nothing yet. */
  toldTo: number;
  catchup: Catchup | null;
}

/** What a viewer wants to hear of a device. */
export type Interest = 'nothing' | 'presence' | 'values';

export function interestOf(subscriptions: readonly Subscription[], device: Device): Interest {
  let interest: Interest = 'nothing';
  for (const { topic, watched } of subscriptions) {
    if (!topicMatches(topic, device.customer, device.id)) continue;
    if (watched === null || watched.has(device.name)) return 'values';
    interest = 'presence';
  }
  return interest;
}

/** Whether any of them covers the device that bears this name. */
export function anyCovers(subscriptions: readonly Subscription[], customer: string, device: string): boolean {
  return subscriptions.some(({ topic }) => topicMatches(topic, customer, device));
}

/** The one customer that all of them are about, or `*`. */
export function customerOf([first, ...more]: readonly Subscription[]): string {
  const customer = first?.topic.customer ?? '+';
  return customer !== '+' && more.every(({ topic }) => topic.customer === customer) ? customer : '*';
}

/**
 * Brings one subscription up to date from the fleet's state, message by message, so that it can stop while the
 * transport is full and go on later. A new subscription gets a snapshot, one that fell behind what changed since. A
 * message holds what is true when it is made: after a wait some values are newer than the start, and come again with
 * the next update, which changes nothing. Nothing is left out or older.
 */
import type { Device } from '../hub/fleet/device.ts';
import type { Fleet } from '../hub/fleet/fleet.ts';
import type { Topic } from '../hub/fleet/topics.ts';
import { MessagePage, presenceFragment, stateFragments, updateFragments } from './encode.ts';
import type { LiveHistory } from './history.ts';
import { anyCovers, type Catchup, customerOf, interestOf, type Subscription } from './subscription.ts';

export interface CatchupParts {
  readonly fleet: Fleet;
  readonly history: LiveHistory;
  /** About the size of a message. */
  readonly pageCharacters: number;
}

/** What the subscription needs to be told everything up to `toldTo`, the newest revision. */
export function catchUp(parts: CatchupParts, subscription: Subscription, toldTo: number): Catchup {
  const { toldTo: since } = subscription;
  const known = since > 0 && parts.history.forgotten.holdsAllAfter(since, customerOf([subscription]));
  const messages = known ? updates(parts, subscription, new Set()) : snapshot(parts, subscription);
  return { toldTo, messages };
}

/** The same after a `watch`: all values of the watched devices, for those that were not told until now. */
export function catchUpWatched(parts: CatchupParts, subscription: Subscription, toldTo: number): Catchup {
  return { toldTo, messages: updates(parts, subscription, subscription.watched ?? new Set()) };
}

function* snapshot(
  { fleet, pageCharacters }: CatchupParts,
  subscription: Subscription,
): Generator<Buffer, void> {
  const page = new MessagePage(pageCharacters);
  let number = 0;
  const finish = (more: boolean) => {
    const rev = fleet.revisions.next();
    const head = `"type":"snapshot","rev":${rev},"id":${subscription.id},"page":${number},"more":${more}`;
    number += 1;
    return page.finish(head, 'devices');
  };
  for (const device of devicesOf(fleet, subscription.topic)) {
    const withValues = interestOf([subscription], device) === 'values';
    for (const fragment of stateFragments(device, withValues)) {
      page.add(fragment);
      if (page.full) yield finish(true);
    }
  }
  yield finish(false);
}

function* updates(
  { fleet, history, pageCharacters }: CatchupParts,
  subscription: Subscription,
  inFull: ReadonlySet<string>,
): Generator<Buffer, void> {
  const since = subscription.toldTo;
  const presence = new MessagePage(pageCharacters);
  const update = new MessagePage(pageCharacters);
  for (const { customer, device, fragment } of history.forgotten.after(since, customerOf([subscription]))) {
    if (anyCovers([subscription], customer, device)) presence.add(fragment);
  }
  for (const device of devicesOf(fleet, subscription.topic)) {
    const from = inFull.has(device.name) ? 0 : since;
    if (device.rev <= from) continue;
    if (device.presence.rev > since) presence.add(presenceFragment(device));
    if (presence.full) yield finish(fleet, presence, 'presence');
    if (interestOf([subscription], device) !== 'values') continue;
    for (const fragment of updateFragments(device, from)) {
      update.add(fragment);
      if (!update.full) continue;
      // A device that was forgotten and came again: first that it went, then what it says now.
      if (!presence.empty) yield finish(fleet, presence, 'presence');
      yield finish(fleet, update, 'update');
    }
  }
  if (!presence.empty) yield finish(fleet, presence, 'presence');
  if (!update.empty) yield finish(fleet, update, 'update');
}

function finish(fleet: Fleet, page: MessagePage, type: 'presence' | 'update'): Buffer {
  return page.finish(`"type":"${type}","rev":${fleet.revisions.next()}`, 'devices');
}

function* devicesOf(fleet: Fleet, { customer, device }: Topic): Generator<Device> {
  if (device === '+') {
    yield* fleet.devices(customer === '+' ? '*' : customer);
    return;
  }
  for (const name of customer === '+' ? [...fleet.customers()] : [customer]) {
    const found = fleet.find(name, device);
    if (found) yield found;
  }
}

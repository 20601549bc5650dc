/** Events of the recent past as messages, for the topics of one viewer. */
import type { Revisions } from '../hub/revisions.ts';
import type { LiveHistory } from './history.ts';
import { errorMessage } from './messages.ts';
import { Page } from './page.ts';
import { anyCovers, type Subscription } from './subscription.ts';

export interface EventPage {
  /** null: nothing to tell. */
  readonly message: Buffer | null;
  /** Everything up to this revision is told then. */
  readonly toldTo: number;
}

/** A page of the events after `since`. Told up to `upTo` when none are left; said first if some are lost. */
export function eventPage(
  history: LiveHistory,
  revisions: Revisions,
  subscriptions: readonly Subscription[],
  range: { readonly since: number; readonly upTo: number; readonly pageCharacters: number },
): EventPage {
  const { since, upTo, pageCharacters } = range;
  const held = history.events.after(since);
  const [oldest] = held;
  if (oldest && !history.events.holdsAllAfter(since)) {
    const message = subscriptions.length === 0 ? null : errorMessage(revisions.next(), 'events-missed');
    return { message, toldTo: oldest.rev - 1 };
  }
  const page = new Page(pageCharacters);
  let toldTo = upTo;
  for (const { rev, customer, device, fragment } of held) {
    if (!anyCovers(subscriptions, customer, device)) continue;
    page.add(fragment);
    if (!page.full) continue;
    toldTo = rev;
    break;
  }
  const message = page.empty ? null : page.take(`"type":"event","rev":${revisions.next()}`, 'events');
  return { message, toldTo };
}

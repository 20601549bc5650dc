/** Events and commands of the recent past as messages, for the topics of one viewer. */
import type { Revisions } from '../hub/fleet/revisions.ts';
import type { Feed } from './history.ts';
import { errorMessage } from './messages.ts';
import { Page } from './page.ts';
import { anyCovers, type Subscription } from './subscription.ts';

export interface HappeningPage {
  /** null: nothing to tell. */
  readonly message: Buffer | null;
  /** Everything up to this revision is told then. */
  readonly toldTo: number;
}

/** A page of what came after `since`. Told up to `upTo` when nothing is left; said first if some is lost. */
export function happeningPage(
  { recent, type, list, missed }: Feed,
  revisions: Revisions,
  subscriptions: readonly Subscription[],
  range: { readonly since: number; readonly upTo: number; readonly pageCharacters: number },
): HappeningPage {
  const { since, upTo, pageCharacters } = range;
  const held = recent.after(since);
  const [oldest] = held;
  if (oldest && !recent.holdsAllAfter(since)) {
    const message = subscriptions.length === 0 ? null : errorMessage(revisions.next(), missed);
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
  const message = page.empty ? null : page.take(`"type":"${type}","rev":${revisions.next()}`, list);
  return { message, toldTo };
}

/**
 * Commands of one device, newest first, from two sources that may cross: the list of the HTTP API and the live channel.
 * Owns at most `limit` of them.
 */
import type { CommandView } from '../../schemas/api.ts';

const FINAL: ReadonlySet<CommandView['status']> = new Set([
  'done',
  'failed',
  'rejected',
  'expired',
  'cancelled',
]);

export function isFinal({ status }: CommandView): boolean {
  return FINAL.has(status);
}

export class CommandHistory {
  private readonly byId = new Map<string, CommandView>();
  private limit: number;
  private sorted: readonly CommandView[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Newest first. */
  get all(): readonly CommandView[] {
    return this.sorted;
  }

  /** How many are kept. */
  get capacity(): number {
    return this.limit;
  }

  /** Makes room for older ones, which the caller then adds. */
  grow(limit: number): void {
    this.limit = Math.max(this.limit, limit);
  }

  /** An older form than the known one changes nothing. */
  add(commands: readonly CommandView[]): void {
    for (const command of commands) {
      const known = this.byId.get(command.id);
      if (!known || !isOlder(command, known)) this.byId.set(command.id, command);
    }
    this.sort();
  }

  clear(): void {
    this.byId.clear();
    this.sorted = [];
  }

  private sort(): void {
    const all = [...this.byId.values()].sort((a, b) => b.createdAt - a.createdAt);
    for (const { id } of all.splice(this.limit)) this.byId.delete(id);
    this.sorted = all;
  }
}

/** A timeline only grows, but for the last progress of a very long one, which is replaced. */
function isOlder({ timeline: one }: CommandView, { timeline: other }: CommandView): boolean {
  if (one.length !== other.length) return one.length < other.length;
  return (one.at(-1)?.at ?? 0) < (other.at(-1)?.at ?? 0);
}

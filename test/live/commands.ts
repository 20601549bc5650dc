/** Commands as the live channel hears of them: made and moved by the test, one step at a time. */
import type { Command, CommandListener } from '../../broker/hub/commands/command.ts';
import { answered, countAttempt, endedBy, isWaiting, written } from '../../broker/hub/commands/life.ts';
import type { Value } from '../../broker/wire/frames.ts';

/** The numbers of result frames (P-5.3). */
const RESULTS = { accepted: 1, progress: 2, done: 3, failed: 4, rejected: 5 } as const;

export class FakeCommands {
  private readonly commands = new Map<string, Command>();
  private readonly listeners = new Set<CommandListener>();
  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  onStep(listener: CommandListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  waitingFor(command: Command): string | null {
    return isWaiting(command) ? 'device offline since yesterday' : null;
  }

  queue(name: string, id: string, args: Value = null): void {
    const [customer = '', device = ''] = name.split('/');
    const at = this.now();
    this.step({
      customer,
      device,
      id,
      number: this.commands.size + 1,
      name: 'valve',
      args,
      status: 'queued',
      createdAt: at,
      ttl: 60_000,
      expiresAt: at + 60_000,
      attempts: 0,
      supersede: null,
      job: null,
      by: 'oper1234',
      reply: null,
      timeline: [{ status: 'queued', at, by: 'oper1234' }],
      endedAt: null,
    });
  }

  write(id: string): void {
    this.step(written(countAttempt(this.find(id)), { session: 's1', attempt: 1, at: this.now() }));
  }

  answer(id: string, status: keyof typeof RESULTS, data: Value = null): void {
    const result = { frame: { status: RESULTS[status], data }, session: 's1', at: this.now() };
    this.step(answered(this.find(id), result));
  }

  cancel(id: string): void {
    this.step(endedBy(this.find(id), 'cancelled', { at: this.now(), reason: 'asked to', by: 'oper1234' }));
  }

  find(id: string): Command {
    const command = this.commands.get(id);
    if (!command) throw new Error(`no command ${id}`);
    return command;
  }

  private step(command: Command): void {
    this.commands.set(command.id, command);
    for (const listener of this.listeners) listener(command);
  }
}

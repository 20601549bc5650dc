/** A command as the broker tells it, somewhere on its way. */
import type { CommandStepView, CommandView } from '../../schemas/api.ts';

export const AT = Date.UTC(2026, 4, 28, 20, 26, 40, 250);

const FINAL = ['done', 'failed', 'rejected', 'expired', 'cancelled'];

/** With these steps, a second apart. */
export function someCommand(
  steps: readonly Omit<CommandStepView, 'at'>[],
  changes: Partial<CommandView> = {},
): CommandView {
  const timeline = steps.map((step, index) => ({ ...step, at: AT + index * 1000 }));
  const last = timeline.at(-1) ?? { status: 'queued' as const, at: AT };
  return {
    id: 'c1',
    device: 'acme/pump-7',
    name: 'reboot',
    args: null,
    status: last.status,
    createdAt: AT,
    expiresAt: AT + 60_000,
    endedAt: FINAL.includes(last.status) ? last.at : null,
    attempts: steps.filter(({ status }) => status === 'written').length,
    by: 'Ab3dEf7h',
    timeline,
    ...changes,
  };
}

export const QUEUED = { status: 'queued', by: 'Ab3dEf7h' } as const;
export const WRITTEN = { status: 'written', attempt: 1, session: 's1' } as const;
export const ACCEPTED = { status: 'accepted', session: 's1' } as const;
export const DONE = { status: 'done', session: 's1', data: { took: 3 } } as const;

/** What the audit keeps: who asked what of whom, when, and what became of it. */
import type { AuditQuery, AuditRow, NumberedAuditRow } from '../../store/command-ports.ts';

export type { AuditQuery, NumberedAuditRow } from '../../store/command-ports.ts';

/** Everything that is written down: `action` → when. docs/audit.md repeats the table. */
export const AUDIT_ACTIONS = {
  'command.send': 'A command was sent to a device.',
  'command.cancel': 'A command, or everything that waited for a device, was cancelled.',
  'job.create': 'A command was sent to a group.',
  'job.cancel': 'A job was cancelled.',
  'job.resume': 'A halted job was resumed.',
  'desired.put': 'Desired state was replaced.',
  'desired.patch': 'Desired state was changed in part.',
  'device.put': 'A device was named, or made known before it connected.',
  'device.forget': 'A device was forgotten.',
  'key.create': 'A key was created.',
  'key.rotate': 'A key was rotated.',
  'key.revoke': 'A key was revoked.',
  'bridge.outage': 'The MQTT bridge was without its peer, and has caught up.',
} as const;
export type AuditAction = keyof typeof AUDIT_ACTIONS;

/** Everybody's entries, from the newest. */
export const WHOLE_AUDIT: Omit<AuditQuery, 'limit'> = {
  customer: '*',
  by: null,
  action: null,
  target: null,
  from: null,
  to: null,
  before: null,
};

export interface AuditEntry extends Omit<AuditRow, 'detail' | 'outcomeAt' | 'reference' | 'at' | 'action'> {
  readonly action: AuditAction;
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly reference?: string;
}

/** `Audit` (audit.ts) is it. Writing never fails the request that it is about: a store that fails ends the process. */
export interface AuditDesk {
  /** Written with the next group, within a second; `at` is now. */
  add(entry: AuditEntry): void;
  /** The outcome of the entry with this reference. */
  settle(reference: string, outcome: string): void;
  /** Newest first, with everything that was added before. */
  list(
    query: AuditQuery,
  ): Promise<{ readonly items: readonly NumberedAuditRow[]; readonly next: number | null }>;
}

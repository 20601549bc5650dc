/**
 * Desired and reported state of every device (P-6). What is desired is durable before it is sent to the device; what is
 * reported comes from the telemetry log and is saved with the checkpoint. Owns the documents.
 */
import type { Documents } from '../../../schemas/api/desired.ts';
import type { Clock } from '../../base/clock.ts';
import { SerialQueue } from '../../base/serial-queue.ts';
import type { DesiredRow, DesiredStore } from '../../store/command-ports.ts';
import { type Position, START } from '../../store/position.ts';
import { everyPage } from '../../store/subject.ts';
import { encodeDesired } from '../../wire/encode.ts';
import type { ReportedFrame, ValueMap } from '../../wire/frames.ts';
import type { Device, Member } from '../fleet/device.ts';
import { HubRefusal } from '../refusal.ts';
import { checkReceivable, tooBigFor } from '../sendable.ts';
import {
  checkDocument,
  type DesiredChange,
  type DesiredDocument,
  type DeviceDocuments,
  documentsView,
  isSame,
  mergePatch,
  readDocuments,
  writeDocuments,
} from './document.ts';

export interface DesiredStatesParts {
  readonly store: DesiredStore;
  readonly ingest: { readonly position: Position };
  readonly clock: Clock;
  readonly limits: { readonly desiredBytes: number };
}

/** A reported frame of the log: just committed, or replayed. */
export interface CommittedReport {
  readonly customer: string;
  readonly device: string;
  readonly frame: ReportedFrame;
  /** Unix ms. */
  readonly arrival: number;
  /** Of the record that holds it, or after it. */
  readonly position: Position;
}

interface DeviceEntry {
  documents: DeviceDocuments;
  /** On its way to the store: a row that is saved meanwhile must hold it, or it would take it back. */
  pending: DesiredDocument | null;
  /** The connection in whose socket a document waits to be read; null: none. */
  unread: string | null;
  /** Reports before it are in the row that was loaded. */
  readonly heldTo: Position;
  readonly changes: SerialQueue;
}

const WHAT = 'The desired document';
const NOTHING: DeviceDocuments = { desired: null, reported: null };

export class DesiredStates {
  private readonly parts: DesiredStatesParts;
  private readonly entries = new Map<string, DeviceEntry>();
  /** Names whose report is in memory and not in the store. */
  private readonly unsaved = new Set<string>();
  private readonly listeners = new Set<(name: string) => void>();

  constructor(parts: DesiredStatesParts) {
    this.parts = parts;
  }

  /** Everything comes back from the store; before the log is replayed. */
  async load(): Promise<void> {
    const pages = everyPage(this.parts.store.loadDesired);
    for await (const rows of pages) for (const row of rows) this.restore(row);
  }

  documents(device: Device): DeviceDocuments {
    return this.entries.get(device.name)?.documents ?? NOTHING;
  }

  latestVersion(device: Device): number {
    return this.documents(device).desired?.version ?? 0;
  }

  /** As the HTTP API and the live channel show it. */
  view(device: Device): Documents {
    return documentsView(device.name, this.documents(device), this.obstacle(device));
  }

  /**
   * Replaces the desired document; `patch` merges into it (RFC 7396). Durable when it resolves, and sent to the device if it
   * is connected. `expected`: the version that the caller has seen, 0 for none; null: whatever is there. Rejects with
   * `HubRefusal`: `precondition-failed`, `bad-request`, `desired-too-large`, `too-large-for-device`. A change that changes
   * nothing keeps the version, unless the device has reported a higher one: it gets a version that the device does not know.
   */
  put(device: Device, values: ValueMap, change: DesiredChange): Promise<DesiredDocument> {
    return this.change(device, change, () => values);
  }

  patch(device: Device, patch: ValueMap, change: DesiredChange): Promise<DesiredDocument> {
    return this.change(device, change, (before) => mergePatch(before, patch));
  }

  /** P-3.3: the device can be written to, and gets what it has not reported yet. */
  greeted(device: Device, member: Member): void {
    const { desired, reported } = this.documents(device);
    if (desired && desired.version > plausible(reported?.version ?? 0)) this.send(device, member, desired);
  }

  /** P-6.1. What the row of a restart holds already changes nothing. */
  reported({ customer, device, frame, arrival, position }: CommittedReport): void {
    const name = `${customer}/${device}`;
    const entry = this.entry(name);
    if (position < entry.heldTo) return;
    const { version, values } = frame;
    entry.documents = { ...entry.documents, reported: { version, values, at: arrival } };
    this.unsaved.add(name);
    this.changed(name);
  }

  /** Called with `customer/device` after each change. Returns the function that takes the listener away. */
  onChange(listener: (name: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Saves every report of before `position`, or later. */
  async save(): Promise<void> {
    if (this.unsaved.size === 0) return;
    const names = [...this.unsaved];
    const rows = names.map((name) => this.row(name, this.entry(name)));
    this.unsaved.clear();
    try {
      await this.parts.store.saveDesired(rows);
    } catch (error) {
      // Otherwise the next checkpoint would pass them.
      for (const name of names) if (this.entries.has(name)) this.unsaved.add(name);
      throw error;
    }
  }

  /** The device was forgotten; resolves when its documents are durably gone. */
  async forget(customer: string, device: string): Promise<void> {
    const name = `${customer}/${device}`;
    await this.entries.get(name)?.changes.idle();
    this.entries.delete(name);
    this.unsaved.delete(name);
    await this.parts.store.saveDesired([
      { customer, device, position: this.parts.ingest.position, body: null },
    ]);
  }

  /** Why the desired document does not come to the device though it has not applied it; null: nothing is known. */
  private obstacle(device: Device): string | null {
    const { desired, reported } = this.documents(device);
    if (!desired || desired.version <= plausible(reported?.version ?? 0)) return null;
    return tooBigFor(device, encodeDesired(desired.version, desired.values), WHAT);
  }

  private change(
    device: Device,
    change: DesiredChange,
    valuesFrom: (before: ValueMap) => ValueMap,
  ): Promise<DesiredDocument> {
    const entry = this.entry(device.name);
    return entry.changes.run(() => this.changeNow(device, entry, change, valuesFrom));
  }

  private async changeNow(
    device: Device,
    entry: DeviceEntry,
    { expected, by }: DesiredChange,
    valuesFrom: (before: ValueMap) => ValueMap,
  ): Promise<DesiredDocument> {
    const { desired, reported } = entry.documents;
    const version = desired?.version ?? 0;
    if (expected !== null && expected !== version) throw changedSince(expected, version);
    const values = valuesFrom(desired?.values ?? {});
    checkDocument(values, this.parts.limits.desiredBytes);
    const newest = Math.max(version, plausible(reported?.version ?? 0));
    if (desired && newest === version && isSame(values, desired.values)) return desired;
    const next = { version: newest + 1, values, at: this.parts.clock.now(), by };
    checkReceivable(device, encodeDesired(next.version, values), WHAT);
    await this.store(device.name, entry, next);
    this.changed(device.name);
    if (device.member?.ready) this.send(device, device.member, next);
    return next;
  }

  /** One document at a time: for a device that does not read the newest is kept here, not each in its socket. */
  private send(device: Device, member: Member, document: DesiredDocument): void {
    const { session } = member;
    const entry = this.entry(device.name);
    if (entry.unread === session) return;
    const { version, values } = document;
    const frame = encodeDesired(version, values);
    // P-3.2: what the device cannot receive is never written.
    if (tooBigFor(device, frame, WHAT) !== null) return;
    entry.unread = session;
    member.write(frame, () => {
      if (entry.unread === session) entry.unread = null;
      const { desired } = entry.documents;
      const isBehind = desired !== null && desired.version > version;
      if (isBehind && device.member?.session === session) this.send(device, member, desired);
    });
  }

  private async store(name: string, entry: DeviceEntry, next: DesiredDocument): Promise<void> {
    entry.pending = next;
    try {
      await this.parts.store.saveDesired([this.row(name, entry)]);
    } finally {
      entry.pending = null;
    }
    entry.documents = { ...entry.documents, desired: next };
  }

  private entry(name: string): DeviceEntry {
    const known = this.entries.get(name);
    if (known) return known;
    const entry = newEntry(NOTHING, START);
    this.entries.set(name, entry);
    return entry;
  }

  private changed(name: string): void {
    for (const listener of this.listeners) listener(name);
  }

  private row(name: string, { documents, pending }: DeviceEntry): DesiredRow {
    const whole = pending ? { ...documents, desired: pending } : documents;
    return writeDocuments(name, whole, this.parts.ingest.position);
  }

  private restore(row: DesiredRow): void {
    const documents = readDocuments(row);
    if (documents) this.entries.set(`${row.customer}/${row.device}`, newEntry(documents, row.position));
  }
}

function newEntry(documents: DeviceDocuments, heldTo: Position): DeviceEntry {
  return { documents, pending: null, unread: null, heldTo, changes: new SerialQueue() };
}

/**
 * A version above what a device from another life of this broker has reported is told to it, but not above what a number can
 * hold: reports of any version were stored once.
 */
function plausible(version: number): number {
  return version < Number.MAX_SAFE_INTEGER ? version : 0;
}

function changedSince(expected: number, version: number): HubRefusal {
  return new HubRefusal(
    'precondition-failed',
    `You have seen version ${expected}, and it is ${version} now; read it again and decide anew.`,
  );
}

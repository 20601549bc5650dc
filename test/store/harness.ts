/** Opens stores for a test and stops them after it. */
import { onTestFinished } from 'vitest';
import { openStores, type StoreOptions } from '../../broker/store/open.ts';
import type { LogBounds, LogReader, LogRecord, Stores } from '../../broker/store/ports.ts';
import { type Position, positionOf } from '../../broker/store/position.ts';
import { FakeClock } from '../helpers/clock.ts';
import { type LogLine, recordingLog } from '../helpers/log.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

export interface TestStores {
  readonly stores: Stores;
  readonly folder: string;
  readonly clock: FakeClock;
  readonly lines: LogLine[];
}

export interface TestOptions {
  readonly engine?: StoreOptions['engine'];
  readonly folder?: string;
  readonly log?: Partial<StoreOptions['log']>;
}

/** Not started. */
export function prepareStores(options: TestOptions = {}): TestStores {
  const folder = options.folder ?? temporaryFolder();
  // After the files' own times, which retention compares with it.
  const clock = new FakeClock(Date.now());
  const lines: LogLine[] = [];
  const log = {
    segmentBytes: 1024 * 1024,
    retentionBytes: 1024 * 1024 * 1024,
    retentionAgeMs: 7 * 24 * 3600 * 1000,
    recentBytes: 1024 * 1024,
    ...options.log,
  };
  const stores = openStores({
    engine: options.engine ?? 'files',
    folder,
    log,
    clock,
    logger: recordingLog(lines),
  });
  onTestFinished(() => stores.stop());
  return { stores, folder, clock, lines };
}

export async function startStores(options: TestOptions = {}): Promise<TestStores & { bounds: LogBounds }> {
  const prepared = prepareStores(options);
  return { ...prepared, bounds: await prepared.stores.start() };
}

/** A payload of its own memory. */
export function payload(text: string, bytes = text.length): Uint8Array<ArrayBuffer> {
  const filled = new Uint8Array(bytes).fill(0x2e);
  filled.set(Buffer.from(text));
  return filled;
}

/** The text of a payload, without its filling. */
export function textOf(record: LogRecord): string {
  return Buffer.from(record.payload).toString().replace(/\.+$/, '');
}

export async function readTexts(stores: Stores, position: Position | number): Promise<string[]> {
  const texts: string[] = [];
  for await (const record of stores.log.read(typeof position === 'number' ? positionOf(position) : position))
    texts.push(textOf(record));
  return texts;
}

/** The next `count` records of a reader, passed. */
export async function takeTexts(reader: LogReader, count: number, maxBytes = 1024 * 1024): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    const records = await reader.next(maxBytes);
    if (records.length === 0) break;
    texts.push(...records.map(textOf));
    reader.advance(records.at(-1)?.end ?? reader.position);
  }
  return texts;
}

/** What the log's writer does while the disk takes nothing: it keeps what came, tries again, and loses nothing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { expect, it, onTestFinished } from 'vitest';
import { messagePort } from '../../broker/base/worker-thread.ts';
import { BatchBuilder, SourceHandle } from '../../broker/store/batch.ts';
import { REAL_FILES, type SegmentFiles } from '../../broker/store/log/files.ts';
import { segmentName } from '../../broker/store/log/format.ts';
import { recover } from '../../broker/store/log/recovery.ts';
import { type WriterReport, type WriterRequest, WriterThread } from '../../broker/store/log/writer-thread.ts';
import { FakeClock } from '../helpers/clock.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { payload } from './harness.ts';

type Call = keyof SegmentFiles;

class World {
  readonly folder = temporaryFolder();
  readonly clock = new FakeClock();
  /** Which call of the file system fails, with which code. */
  fails: Partial<Record<Call, string>> = {};
  private readonly port: MessagePort;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    const files: SegmentFiles = {
      ...REAL_FILES,
      open: (...args) => this.attempt('open', () => REAL_FILES.open(...args)),
      sync: (file) => this.attempt('sync', () => REAL_FILES.sync(file)),
      truncate: (...args) => this.attempt('truncate', () => REAL_FILES.truncate(...args)),
      // As a disk that becomes full does: some of it is written.
      write: (file, parts, offset) => {
        if (this.fails.write) REAL_FILES.write(file, [(parts[0] as Uint8Array).subarray(0, 5)], offset);
        return this.attempt('write', () => REAL_FILES.write(file, parts, offset));
      },
    };
    const options = { folder: this.folder, segmentBytes: 1000, floor: 0 };
    new WriterThread(messagePort(port2), options, { clock: this.clock, files }).start();
    onTestFinished(() => void this.port.close());
  }

  /** Sends, and returns what was reported once the writer has dealt with it. */
  async ask(...requests: WriterRequest[]): Promise<WriterReport[]> {
    for (const request of requests) this.port.postMessage(request);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    return this.reports();
  }

  tryAgain(): WriterReport[] {
    this.clock.advance(1000);
    return this.reports();
  }

  private reports(): WriterReport[] {
    const reports: WriterReport[] = [];
    for (let next = receiveMessageOnPort(this.port); next; next = receiveMessageOnPort(this.port)) {
      reports.push(next.message as WriterReport);
    }
    return reports;
  }

  private attempt<Result>(call: Call, run: () => Result): Result {
    const code = this.fails[call];
    if (code === undefined) return run();
    throw Object.assign(new Error(`${code}: ${call}`), {
      code,
      syscall: call === 'sync' ? 'fdatasync' : call,
    });
  }
}

const append = (text: string): WriterRequest => ({ type: 'append', payloads: [payload(text)] });
const types = (reports: readonly WriterReport[]) => reports.map(({ type }) => type);

it.each(['ENOSPC', 'EDQUOT', 'EFBIG'])(
  'keeps everything in its order through a write that fails with %s',
  async (code) => {
    const world = new World();
    expect(types(await world.ask(append('one')))).toEqual(['opened', 'committed']);
    const whole = readFileSync(join(world.folder, segmentName(0)));
    world.fails = { write: code };
    expect(await world.ask(append('two'), append('three'))).toMatchObject([
      { type: 'waiting', obstacle: 'disk-full' },
    ]);
    expect(readFileSync(join(world.folder, segmentName(0)))).toEqual(whole);
    expect(await world.ask(append('four'))).toEqual([]);
    expect(world.tryAgain()).toEqual([]);

    world.fails = {};
    const after = world.tryAgain();
    expect(after[0]).toEqual({ type: 'going-on' });
    const texts = after.flatMap((report) =>
      report.type === 'committed'
        ? report.records.map((record) => Buffer.from(record.payload).toString())
        : [],
    );
    expect(texts).toEqual(['two', 'three', 'four']);
    expect(recover(world.folder, 0).torn).toBeNull();
  },
);

it('ends for good when a sync fails, whatever it says: what reached the disk is unknown', async () => {
  const world = new World();
  world.fails = { sync: 'ENOSPC' };
  expect(types(await world.ask(append('one')))).toEqual(['opened', 'failed']);
  world.fails = {};
  expect(world.tryAgain()).toEqual([]);
  expect(await world.ask(append('two'))).toEqual([]);
});

it('ends for good when what was written of a record cannot be cut off again', async () => {
  const world = new World();
  world.fails = { write: 'ENOSPC', truncate: 'EIO' };
  expect(types(await world.ask(append('one')))).toEqual(['opened', 'failed']);
});

it('goes on in the old segment when there is no descriptor for the next one, and changes over later', async () => {
  const world = new World();
  await world.ask({ type: 'append', payloads: [payload('long', 2000)] });
  world.fails = { open: 'EMFILE' };
  expect(types(await world.ask(append('two')))).toEqual(['committed']);
  world.fails = {};
  expect(types(await world.ask(append('three')))).toEqual(['rolled', 'committed']);
  expect(recover(world.folder, 0).segments).toHaveLength(2);
});

it('waits for a descriptor once the old segment is much too large', async () => {
  const world = new World();
  await world.ask({ type: 'append', payloads: [payload('long', 5000)] });
  world.fails = { open: 'EMFILE' };
  expect(await world.ask(append('two'))).toMatchObject([{ type: 'waiting', obstacle: 'no-descriptors' }]);
  world.fails = {};
  expect(types(world.tryAgain())).toEqual(['rolled', 'going-on', 'committed']);
});

it('ends a segment only before a record that names no source of before it', async () => {
  const world = new World();
  const builder = new BatchBuilder();
  const source = { customer: 'acme', device: 'pump', session: 's', boot: null, fields: null };
  const handle = new SourceHandle(source);
  const next = (): WriterRequest => {
    builder.add(handle, 0, new Uint8Array(1200));
    return { type: 'append', payloads: builder.take() };
  };
  const [first, second] = [next(), next()];
  builder.beginSources();
  const [third, fourth] = [next(), next()];
  // All at once: what may begin a segment is not written together with what came before.
  const reports = await world.ask(first, second, third, fourth);
  expect(
    reports.map((report) => (report.type === 'committed' ? report.records.length : report.type)),
  ).toEqual(['opened', 2, 'rolled', 2]);
  expect(recover(world.folder, 0).segments).toHaveLength(2);
});

it('can be closed while it waits', async () => {
  const world = new World();
  world.fails = { write: 'ENOSPC' };
  await world.ask(append('one'), { type: 'close' });
  expect(world.clock.pending).toBe(0);
});

/**
 * Finds the sources that records of segment files name. A record may name sources that stand earlier in its segment: for a
 * reader that begins in the middle the segment is read once from its beginning. Owns what is known of the segments that
 * were read last, bounded in bytes.
 */
import { namesEarlierSources, type Source, type SourceTable, sourcesIn } from '../batch.ts';
import type { LogRecord, StoredRecord } from '../ports.ts';
import { numberOf, type Position, positionOf } from '../position.ts';
import type { SegmentReads } from './files.ts';
import { corrupt, type Piece, readRecords } from './recovery.ts';

/** Encoded; in memory it is two to four times as much. */
const MAX_BYTES = 32 * 1024 * 1024;
const STEP_BYTES = 1024 * 1024;
const NO_SOURCES: SourceTable = [];

export class SourceTables {
  private readonly files: Pick<SegmentReads, 'openToRead'>;
  private readonly maxBytes: number;
  /** By the segment's base; the one used last comes last. */
  private readonly segments = new Map<number, SegmentSources>();

  constructor(files: Pick<SegmentReads, 'openToRead'>, maxBytes = MAX_BYTES) {
    this.files = files;
    this.maxBytes = maxBytes;
  }

  /** Gives records of a segment, as they follow each other, the sources that they name. `piece`: where they were read from. */
  async resolve(piece: Piece, records: readonly StoredRecord[]): Promise<LogRecord[]> {
    const [first] = records;
    if (!first) return [];
    let known = await this.knownBefore(piece, first);
    // Somebody else may have read on in it meanwhile, and its beginning may be forgotten.
    while (!known.reaches(first.position)) known = await this.knownBefore(piece, first);
    for (const record of records) known.add(piece, record);
    this.keep(piece.base, known);
    return records.map((record) => ({ ...record, sources: known.at(record.position) }));
  }

  private async knownBefore(piece: Piece, { position, payload }: StoredRecord): Promise<SegmentSources> {
    const kept = this.segments.get(piece.base);
    if (kept?.reaches(position)) return kept;
    if (!namesEarlierSources(payload)) return new SegmentSources(position);
    const known = kept && kept.to < position ? kept : new SegmentSources(positionOf(piece.base));
    while (known.to < position) {
      const step = { ...piece, from: numberOf(known.to), to: numberOf(position) };
      for (const record of await readRecords(this.files, step, STEP_BYTES)) known.add(piece, record);
    }
    return known;
  }

  private keep(base: number, known: SegmentSources): void {
    this.segments.delete(base);
    this.segments.set(base, known);
    let bytes = 0;
    for (const segment of this.segments.values()) bytes += segment.bytes;
    for (const [oldest, segment] of this.segments) {
      if (bytes <= this.maxBytes || oldest === base) break;
      bytes -= segment.bytes;
      this.segments.delete(oldest);
    }
    known.forgetBeyond(this.maxBytes);
  }
}

/** A table, from the record on with which its sources begin. */
interface TableOfRecords {
  readonly from: Position;
  readonly sources: Source[];
  bytes: number;
}

type FoundSources = NonNullable<ReturnType<typeof sourcesIn>>;

/** What is known of one segment: the tables of its records between `from` and `to`. */
class SegmentSources {
  to: Position;
  private from: Position;
  private tables: TableOfRecords[] = [];

  constructor(from: Position) {
    this.from = from;
    this.to = from;
  }

  get bytes(): number {
    return this.tables.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  reaches(position: Position): boolean {
    return this.from <= position && position <= this.to;
  }

  at(position: Position): SourceTable {
    return this.tables.findLast(({ from }) => from <= position)?.sources ?? NO_SOURCES;
  }

  /** The record at `to`; one before it is known already. */
  add(piece: Piece, { position, end, payload }: StoredRecord): void {
    if (position < this.to) return;
    const found = sourcesOf(piece, position, payload);
    if (found) this.addSources(piece, position, found);
    this.to = end;
  }

  private addSources(piece: Piece, position: Position, { before, sources, bytes }: FoundSources): void {
    if (before === 0) this.tables.push({ from: position, sources: [], bytes: 0 });
    const table = this.tables.at(-1);
    if (table?.sources.length !== before) {
      throw damaged(piece, position, `${before} sources should stand before it`);
    }
    table.sources.push(...sources);
    table.bytes += bytes;
  }

  /** The newest table stays, whatever its size. */
  forgetBeyond(maxBytes: number): void {
    while (this.tables.length > 1 && this.bytes > maxBytes) {
      this.tables.shift();
      this.from = (this.tables[0] as TableOfRecords).from;
    }
  }
}

function sourcesOf(piece: Piece, position: Position, payload: Uint8Array): FoundSources | null {
  try {
    return sourcesIn(payload);
  } catch (error) {
    throw damaged(piece, position, (error as Error).message);
  }
}

function damaged({ path, base }: Piece, position: Position, cause: string) {
  return corrupt(path, numberOf(position) - base, cause);
}

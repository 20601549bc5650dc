/** Reads recorded data from a CSV file, row by row: what each device measured when, and which rows are bad. */
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import {
  deviceId,
  findLayout,
  type Layout,
  type LayoutOptions,
  parseTime,
  ReplayError,
} from './replay-layout.ts';

export interface Reading {
  readonly line: number;
  readonly device: string;
  /** Unix ms. */
  readonly time: number;
  /** In the order of the fields; null: the cell was empty. */
  readonly values: readonly (number | string | boolean | null)[];
}

export type RecordedRow = { readonly good: Reading } | { readonly bad: string; readonly line: number };

export interface Recording {
  readonly fields: readonly string[];
  readonly rows: AsyncIterable<RecordedRow>;
}

interface CsvLine {
  readonly record: string[];
  readonly info: { readonly lines: number };
}

/** Rows by which the layout is recognised, so that one bad row at the start does no harm. */
const BEGIN = 20;

/** Opens the file and looks at its first lines. Throws ReplayError, or what the file system says. */
export async function openRecording(
  path: string,
  options: LayoutOptions & { readonly delimiter?: string },
): Promise<Recording> {
  const lines = csvLines(path, options.delimiter ?? ',');
  const begin = await firstLines(lines, BEGIN + 1);
  const [head, ...first] = begin.map(({ record }) => record);
  try {
    if (!head || first.length === 0)
      throw new ReplayError(`${path} holds no rows below a line of column names.`);
    const layout = findLayout(head, first, options, basename(path));
    const fields = layout.metrics.map(({ name }) => name);
    return { fields, rows: rows(layout, head.length, begin.slice(1), lines) };
  } catch (error) {
    await lines.return(undefined);
    throw error;
  }
}

async function firstLines(lines: AsyncGenerator<CsvLine>, count: number): Promise<CsvLine[]> {
  const first: CsvLine[] = [];
  while (first.length < count) {
    const { done, value } = await lines.next();
    if (done) break;
    first.push(value);
  }
  return first;
}

/** Quotes are respected, blank lines skipped. Throws ReplayError for text that is no CSV. */
async function* csvLines(path: string, delimiter: string): AsyncGenerator<CsvLine, undefined> {
  const options = {
    bom: true,
    delimiter,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  };
  // Errors of either end come out of the loop.
  const parser = pipeline(
    createReadStream(path),
    parse({ ...options, max_record_size: 1_048_576 }),
    () => {},
  );
  try {
    for await (const line of parser) yield line as CsvLine;
  } catch (error) {
    throw error instanceof CsvError ? new ReplayError(`${path} is not read as CSV: ${error.message}`) : error;
  }
}

async function* rows(
  layout: Layout,
  width: number,
  begin: readonly CsvLine[],
  rest: AsyncIterable<CsvLine>,
): AsyncGenerator<RecordedRow> {
  const owners = new Map<string, string>();
  for (const line of begin) yield row(layout, width, line, owners);
  for await (const line of rest) yield row(layout, width, line, owners);
}

function row(
  layout: Layout,
  width: number,
  { record, info }: CsvLine,
  owners: Map<string, string>,
): RecordedRow {
  const { lines: line } = info;
  if (record.length !== width) return { line, bad: `${record.length} cells instead of ${width}` };
  const timeText = record[layout.time] ?? '';
  const time = parseTime(timeText, layout.timeFormat);
  if (time === null) return { line, bad: `${JSON.stringify(timeText)} is no time (${layout.timeFormat})` };
  const device = rowDevice(layout.device, record, owners);
  if ('bad' in device) return { line, ...device };
  return {
    good: {
      line,
      time,
      device: device.id,
      values: layout.metrics.map(({ column }) => cell(record[column] ?? '')),
    },
  };
}

/** Two names that become the same id would be one device: the second is refused. */
function rowDevice(
  device: number | string,
  record: readonly string[],
  owners: Map<string, string>,
): { readonly id: string } | { readonly bad: string } {
  if (typeof device === 'string') return { id: device };
  const text = record[device] ?? '';
  try {
    const id = deviceId(text);
    const owner = owners.get(id) ?? text;
    owners.set(id, owner);
    return owner === text ? { id } : { bad: `"${text}" and "${owner}" would both be the device ${id}` };
  } catch (error) {
    if (error instanceof ReplayError) return { bad: error.message };
    throw error;
  }
}

function cell(text: string): number | string | boolean | null {
  if (text === '') return null;
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) {
    const number = Number(text);
    return Number.isFinite(number) ? number : text;
  }
  if (text === 'true' || text === 'false') return text === 'true';
  return text;
}

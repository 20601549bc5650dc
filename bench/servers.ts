/**
 * Runs a measured server in a process of its own, with a fresh data folder, and its load; warns if that folder is not on a
 * disk.
 */
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bench, SERVER_CORE } from './measure.ts';
import { Peer } from './peer.ts';

/** statfs(2): a folder in memory would make fdatasync cost nothing. */
const TMPFS = 0x01021994;

export type Kind = 'bare' | 'broker';

/** Runs `use` with a server and a load; ends both, and removes the data, however it goes. */
export async function withBench<Result>(
  kind: Kind,
  flags: string[],
  use: (bench: Bench) => Promise<Result>,
): Promise<Result> {
  const data = mkdtempSync(join(process.env.BENCH_FOLDER ?? tmpdir(), 'signalbox-bench-'));
  const bench = new Bench(new Peer(`${kind}-server.ts`, SERVER_CORE, { flags, args: [data] }));
  try {
    const result = await use(bench);
    await bench.stop();
    return result;
  } finally {
    bench.kill();
    rmSync(data, { recursive: true, force: true });
  }
}

/** What to say of the disk under the data; null: it is one. */
export function diskWarning(): string | null {
  const folder = process.env.BENCH_FOLDER ?? tmpdir();
  if (statfsSync(folder).type !== TMPFS) return null;
  return `${folder} is in memory, so durability costs nothing there: set BENCH_FOLDER to a folder on a disk.`;
}

/** Says where a server's time went: reads the `.cpuprofile` files that Node wrote into a folder, one a thread. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  /** Node ids, and µs since the sample before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const IDLE = new Set(['(idle)', '(program)']);

/** The functions of one thread by their own time in µs, over the last `milliseconds` of the profile. */
function ownTimes({ nodes, samples, timeDeltas }: Profile, milliseconds: number): Map<string, number> {
  const names = new Map(nodes.map((node) => [node.id, nameOf(node)]));
  const times = new Map<string, number>();
  let left = milliseconds * 1000;
  for (let index = samples.length - 1; index >= 0 && left > 0; index -= 1) {
    const name = names.get(samples[index] as number) ?? '?';
    const delta = timeDeltas[index] ?? 0;
    times.set(name, (times.get(name) ?? 0) + delta);
    left -= delta;
  }
  for (const name of IDLE) times.delete(name);
  return times;
}

/**
 * Of every thread, the busiest first, its `count` hottest functions over the last `milliseconds`: before that it was
 * loading modules. A thread that waits for the disk counts as busy.
 */
export function printProfiles(folder: string, count: number, milliseconds: number): void {
  const threads = readdirSync(folder)
    .filter((file) => file.endsWith('.cpuprofile'))
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile)
    .map((profile) => ownTimes(profile, milliseconds))
    .map((times) => ({ times, total: [...times.values()].reduce((sum, time) => sum + time, 0) }))
    .sort((one, other) => other.total - one.total);
  for (const { times, total } of threads) {
    console.log(`\na thread, busy for ${(total / 1e6).toFixed(2)} s`);
    const hottest = [...times].sort((one, other) => other[1] - one[1]).slice(0, count);
    for (const [name, time] of hottest) {
      console.log(`${((100 * time) / total).toFixed(1).padStart(6)} %  ${name}`);
    }
  }
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  if (url === '') return functionName;
  return `${functionName || '(anonymous)'}  ${basename(url)}:${lineNumber + 1}`;
}

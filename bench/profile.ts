/** Says where a server's time went: reads the `.cpuprofile` files that Node wrote into a folder, one a thread. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface Hot {
  readonly name: string;
  /** Share of the thread's time that is neither idle nor the program's own, 0 to 1. */
  readonly share: number;
}

const IDLE = new Set(['(idle)', '(program)']);

/** The functions of one thread by their own time, most first. */
export function hottest(profile: Profile, count: number): Hot[] {
  const names = new Map(profile.nodes.map((node) => [node.id, nameOf(node)]));
  const times = new Map<string, number>();
  profile.samples.forEach((id, index) => {
    const name = names.get(id) ?? '?';
    times.set(name, (times.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0));
  });
  for (const name of IDLE) times.delete(name);
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times]
    .sort((one, other) => other[1] - one[1])
    .slice(0, count)
    .map(([name, time]) => ({ name, share: time / total }));
}

/** Of every thread, the busiest first. */
export function printProfiles(folder: string, count: number): void {
  const profiles = readdirSync(folder)
    .filter((file) => file.endsWith('.cpuprofile'))
    .map((file) => ({ file, profile: JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile }))
    .sort((one, other) => busyTime(other.profile) - busyTime(one.profile));
  for (const { file, profile } of profiles) {
    console.log(`\n${file}: busy for ${(busyTime(profile) / 1e6).toFixed(1)} s`);
    for (const { name, share } of hottest(profile, count)) {
      console.log(`${(share * 100).toFixed(1).padStart(6)} %  ${name}`);
    }
  }
}

function busyTime(profile: Profile): number {
  const idle = new Set(
    profile.nodes.filter(({ callFrame }) => IDLE.has(callFrame.functionName)).map(({ id }) => id),
  );
  return profile.samples.reduce(
    (sum, id, index) => sum + (idle.has(id) ? 0 : (profile.timeDeltas[index] ?? 0)),
    0,
  );
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  if (url === '') return functionName;
  return `${functionName || '(anonymous)'}  ${basename(url)}:${lineNumber + 1}`;
}

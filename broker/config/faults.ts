/** What is wrong with a configuration: every fault at once, each with its place. */

export interface ConfigFault {
  /** `FILE:line:column`, a variable or a flag. */
  readonly where: string;
  /** `section.key`, or empty for the whole. */
  readonly path: string;
  readonly message: string;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    super(
      faults.map(({ where, path, message }) => `${where}: ${path ? `${path} ` : ''}${message}`).join('\n'),
    );
    this.faults = faults;
  }
}

/** The known name nearest to a mistyped one, if it is near at all. */
export function nearest(name: string, known: readonly string[]): string | null {
  const ranked = known.map((candidate) => ({
    candidate,
    steps: distance(name.toLowerCase(), candidate.toLowerCase()),
  }));
  const best = ranked.sort((a, b) => a.steps - b.steps)[0];
  return best && best.steps <= Math.max(2, Math.floor(name.length / 3)) ? best.candidate : null;
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

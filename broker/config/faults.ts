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

/** The known name nearest to a mistyped one, if it is at most `steps` letters away: by default a third of it. */
export function nearest(
  name: string,
  known: readonly string[],
  steps = Math.max(2, Math.floor(name.length / 3)),
): string | null {
  let best: { readonly candidate: string | null; readonly away: number } = {
    candidate: null,
    away: steps + 1,
  };
  for (const candidate of known) {
    const away = distance(name.toLowerCase(), candidate.toLowerCase());
    if (away < best.away) best = { candidate, away };
  }
  return best.candidate;
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

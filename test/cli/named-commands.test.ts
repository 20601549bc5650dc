/** Whatever text names a command of `signalbox`, an error, a hint or a page: there is such a command. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../broker/cli/commands.ts';

const root = join(import.meta.dirname, '../..');
const FOLDERS = ['broker', 'schemas', 'dashboard', 'device-sim', 'systemd', 'docs'];
const TEXTS = /\.(ts|html|md|sql|service)$/;

/** Name → the names of its subcommands. */
const commands = new Map(
  COMMANDS.map((make) => make()).map((command) => [
    command.name(),
    command.commands.flatMap((child) => [child.name(), ...child.aliases()]),
  ]),
);

function files(): string[] {
  const inFolders = FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && TEXTS.test(entry.name))
      .map((entry) => relative(root, join(entry.parentPath, entry.name))),
  );
  return [...inFolders, 'README.md', 'CONTRIBUTING.md'];
}

/** `signalbox key create` in a text, as the words after the program. */
function namedIn(text: string): string[][] {
  const found = text.matchAll(/(?:`|npx |: |\/bin\/|^)signalbox ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?/gm);
  return [...found].map(([, first = '', second]) => (second === undefined ? [first] : [first, second]));
}

function exists([first = '', second]: readonly string[]): boolean {
  const children = commands.get(first);
  if (!children) return false;
  return second === undefined || children.length === 0 || children.includes(second);
}

/** The options that follow a command in a text, up to the end of what is quoted: `['key create', '--customer']`. */
function optionsIn(text: string): [string, string][] {
  const found = text.matchAll(
    /(?:`|npx |: |\/bin\/|^)signalbox ([a-z][a-z-]*(?: [a-z][a-z-]*)?)([^`'"\n|;]*)/gm,
  );
  return [...found].flatMap(([, words = '', rest = '']) =>
    [...rest.matchAll(/(?:^|[ [(])(--[a-z][a-z-]*)/g)].map(([, option = '']): [string, string] => [
      words,
      option,
    ]),
  );
}

function takes([words, option]: readonly [string, string]): boolean {
  const [first, second] = words.split(' ');
  const command = COMMANDS.map((make) => make()).find((one) => one.name() === first);
  const child = command?.commands.find(
    (one) => one.name() === second || one.aliases().includes(second ?? ''),
  );
  const known = (child ?? command)?.options.map(({ long }) => long) ?? [];
  return known.includes(option) || option === '--help' || option === '--version';
}

describe('a command that a text names', () => {
  it('takes the options that the text gives it', () => {
    const wrong = files().flatMap((file) =>
      optionsIn(readFileSync(join(root, file), 'utf8'))
        .filter((named) => !takes(named))
        .map(([words, option]) => `${file}: signalbox ${words} ${option}`),
    );
    expect(wrong).toEqual([]);
    const found = files().flatMap((file) => optionsIn(readFileSync(join(root, file), 'utf8')));
    expect(found.length).toBeGreaterThan(10);
    expect(takes(['key create', '--owner'])).toBe(false);
  });

  it('exists', () => {
    const wrong = files().flatMap((file) =>
      namedIn(readFileSync(join(root, file), 'utf8'))
        .filter((words) => !exists(words))
        .map((words) => `${file}: signalbox ${words.join(' ')}`),
    );
    expect(wrong).toEqual([]);
  });

  it('is found by this test', () => {
    const texts = [
      'run `signalbox restore FILE`',
      'npx signalbox job stop x',
      'on with: signalbox job resume x',
    ];
    expect(texts.flatMap(namedIn).map(exists)).toEqual([false, false, true]);
    expect(files().flatMap((file) => namedIn(readFileSync(join(root, file), 'utf8'))).length).toBeGreaterThan(
      20,
    );
  });
});

/** schemas/PROTOCOL.md as data: its tables and its fenced blocks. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export const PAGE = readFileSync(join(root, 'schemas/PROTOCOL.md'), 'utf8');

/** Rows of every table with exactly this header, from column name to cell; code marks are taken off. */
export function rows(header: readonly string[], page = PAGE): Record<string, string>[] {
  const first = `| ${header.join(' | ')} |`;
  return page
    .split(`${first}\n`)
    .slice(1)
    .flatMap((after) => after.split('\n\n', 1)[0]?.split('\n').slice(1) ?? [])
    .filter((line) => line.startsWith('|'))
    .map((line) => {
      const cells = line.split('|').slice(1, -1);
      return Object.fromEntries(header.map((name, index) => [name, plain(cells[index] ?? '')]));
    });
}

/** The contents of the fenced blocks of one language. */
export function blocks(language: string, page = PAGE): string[] {
  const fenced = page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm);
  return [...fenced].filter((match) => match[1] === language).map((match) => match[2] ?? '');
}

function plain(cell: string): string {
  return cell.trim().replace(/^`(.*)`$/, '$1');
}

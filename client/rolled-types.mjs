// The declarations of a module and of all that it refers to, as one text that stands by itself: what nothing exported
// names is left out, and nothing but the module's own exports is exported.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const BEGIN = /^(?:export |declare |import |type |interface |abstract )/;
const DECLARED = /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|const|function) (\w+)/;

/** Top-level statements of what tsc writes, each with the comment above it. */
function statements(text) {
  const found = [];
  let comment = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('/**')) comment = `${line}\n`;
    else if (comment !== '' && !comment.includes('*/')) comment += `${line}\n`;
    else if (BEGIN.test(line)) {
      found.push({ comment, code: line });
      comment = '';
    } else if (line !== '') found[found.length - 1].code += `\n${line}`;
  }
  return found;
}

/** Every declaration that the file and its relatives hold: name → statement. Throws if two have one name. */
function declarations(path, known = new Map(), read = new Set()) {
  if (read.has(path)) return known;
  read.add(path);
  const foreign = [];
  for (const { comment, code } of statements(readFileSync(path, 'utf8'))) {
    const [, name] = DECLARED.exec(code) ?? [];
    const [, from] = /from '([^']+)';$/.exec(code) ?? [];
    if (from?.startsWith('.')) declarations(join(dirname(path), from.replace(/\.ts$/, '.d.ts')), known, read);
    else if (from !== undefined) foreign.push(...(code.match(/\w+/g) ?? []));
    if (name === undefined) continue;
    if (known.has(name)) throw new Error(`Two declarations are named ${name}; the second is in ${path}.`);
    known.set(name, { comment, foreign, code: code.replace(/^export /, '') });
  }
  return known;
}

function names(text) {
  return new Set(text.replaceAll(/\/\*[\s\S]*?\*\//g, '').match(/\w+/g));
}

/** Throws for types that come from another package: who uses ours may not have it. */
export function rolledTypes(path) {
  const known = declarations(path);
  const lists = statements(readFileSync(path, 'utf8'))
    .map(({ code }) => /^export (type )?\{([\s\S]*)\} from/.exec(code))
    .filter((match) => match !== null);
  const kept = new Set();
  const keep = (name) => {
    const declaration = known.get(name);
    if (!declaration || kept.has(name)) return;
    kept.add(name);
    for (const other of names(declaration.code)) {
      if (known.has(other)) keep(other);
      else if (other !== 'type' && declaration.foreign.includes(other))
        throw new Error(`The type ${name} names ${other} of another package.`);
    }
  };
  for (const [, , list] of lists) for (const name of names(list)) keep(name);
  const texts = [...known]
    .filter(([name]) => kept.has(name))
    .map(
      ([, { comment, code }]) =>
        `${comment}${code.replace(/^(const|class|function|abstract)/, 'declare $1')}`,
    );
  const exported = lists.map(([, type = '', list]) => `export ${type}{${list}};`);
  return `${[...texts, ...exported].join('\n')}\n`;
}

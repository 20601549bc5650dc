import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PLACES } from '../../broker/config/config.ts';
import { faults, load } from './load.ts';
import { configurationPage } from './page.ts';

const file = join(import.meta.dirname, '../../docs/configuration.md');

describe('docs/configuration.md', () => {
  it('says what the schema says', async () => {
    await expect(configurationPage()).toMatchFileSnapshot(file);
  });

  it('has an example that is taken', () => {
    const example = /```yaml\n([^`]*)```/.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
    expect(load({ yaml: example }).limits.connections).toBe(50_000);
  });

  it('names variables that exist, each with a value of its kind', () => {
    for (const { variable, property, path } of PLACES.filter(({ path }) => path.length > 1)) {
      const value = Array.isArray(property.default) ? '' : String(property.default);
      const config = load({ environment: { [variable]: value } }) as unknown as Record<
        string,
        Record<string, unknown>
      >;
      expect(config[path[0] as string]?.[path[1] as string], variable).toEqual(property.default);
    }
    expect(faults({ environment: { SIGNALBOX_SERVER_NOTHING: '' } })).toHaveLength(1);
  });
});

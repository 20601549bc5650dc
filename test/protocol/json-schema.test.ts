/** schemas/json: what other languages read says what the broker checks. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { decodeItem } from '../../broker/wire/reader.ts';
import { emitJsonSchemas } from '../../schemas/emit.ts';
import { testConfig } from '../helpers/config.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { asJson, fromHex, type Vector, vectors } from '../helpers/vectors.ts';
import { root } from './page.ts';

const folder = join(root, 'schemas/json');

const files = (where: string) =>
  Object.fromEntries(readdirSync(where).map((name) => [name, readFileSync(join(where, name), 'utf8')]));

/** As any other program would load it. */
function compiled(name: string) {
  return new Ajv2020({ strict: false }).compile(JSON.parse(readFileSync(join(folder, name), 'utf8')));
}

/** Decoded; JSON knows no byte strings, so frames with one are no matter for JSON Schema. */
function decoded(all: readonly Vector[]): { name: string; frame: unknown }[] {
  return all
    .map(({ name, hex }) => ({ name: name ?? hex, frame: asJson(decodeItem(fromHex(hex))) }))
    .filter(({ frame }) => !JSON.stringify(frame).includes('$bytes'));
}

describe('schemas/json', () => {
  it('is what the schemas say; after a change: npm run build', () => {
    const fresh = temporaryFolder();
    emitJsonSchemas(fresh);
    expect(files(folder)).toEqual(files(fresh));
  });

  it('is left alone where it is up to date', () => {
    const fresh = join(temporaryFolder(), 'json');
    emitJsonSchemas(fresh);
    const times = () =>
      readdirSync(fresh).map((name) => statSync(join(fresh, name), { bigint: true }).mtimeNs);
    const before = times();
    emitJsonSchemas(fresh);
    expect(times()).toEqual(before);
  });

  it.each(['frames', 'config', 'api', 'live'])('%s.json is a document of its own', (name) => {
    expect(JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: `urn:signalbox:schema:${name}`,
      title: expect.stringMatching(/./),
    });
    expect(compiled(`${name}.json`)).toBeTypeOf('function');
  });

  it('has frames that are those of the vectors', () => {
    const validate = compiled('frames.json');
    const taken = decoded([...vectors('device-frames'), ...vectors('broker-frames')]);
    expect(taken.length).toBeGreaterThan(30);
    for (const { name, frame } of taken) expect([name, validate(frame)]).toEqual([name, true]);
  });

  it('has no frames that break their layout, and none of an unknown number', () => {
    const validate = compiled('frames.json');
    const refused = decoded(
      vectors('refused-frames').filter(
        ({ error, jsonSchema }) => jsonSchema !== false && error?.startsWith('bad-'),
      ),
    );
    expect(refused.length).toBeGreaterThan(10);
    for (const { name, frame } of refused) expect([name, validate(frame)]).toEqual([name, false]);
    expect(validate([6, 1, null, {}])).toBe(false);
  });

  it('has a configuration that takes the defaults, and names what is wrong', () => {
    const validate = compiled('config.json');
    expect(validate(testConfig('/data'))).toBe(true);
    expect(validate({ ...testConfig('/data'), sever: {} })).toBe(false);
    expect(stringify(validate.errors)).toContain('additionalProperties');
  });

  it('has answers of the API and messages of the live channel', () => {
    const api = JSON.parse(readFileSync(join(folder, 'api.json'), 'utf8')) as { $defs: object };
    expect(Object.keys(api.$defs)).toContain('DeviceList');
    const validate = compiled('live.json');
    expect(validate({ type: 'subscribe', id: 1, topic: 'acme/+' })).toBe(true);
    expect(validate({ type: 'subscribe', id: 1 })).toBe(false);
  });
});

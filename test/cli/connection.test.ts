import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeKeyText } from '../../broker/access/key-text.ts';
import { brokerAddress } from '../../broker/cli/http.ts';
import { nobodysAddress } from '../helpers/free-port.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { refusing, scripted } from './scripted.ts';
import { KEY, run } from './terminal.ts';

const OTHER = makeKeyText(randomBytes).text;

/** A data folder with the key file of a first start. */
function dataFolder(key = KEY): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'admin.key'), `${key}\n`);
  return folder;
}

describe('the broker that a command speaks to', () => {
  it('is the local one, SIGNALBOX_URL over that, --url over both', () => {
    expect(brokerAddress({ key: KEY }, {}).url).toBe('http://127.0.0.1:8080');
    expect(brokerAddress({ key: KEY }, { SIGNALBOX_URL: '' }).url).toBe('http://127.0.0.1:8080');
    const environment = { SIGNALBOX_URL: 'https://fleet.example/' };
    expect(brokerAddress({ key: KEY }, environment).url).toBe('https://fleet.example');
    expect(brokerAddress({ key: KEY, url: 'http://other:1' }, environment).url).toBe('http://other:1');
  });

  it.each(['localhost:8080', 'fleet', 'ws://fleet', ''])('is not %j', (url) => {
    expect(() => brokerAddress({ key: KEY, url }, {})).toThrow(/is not the URL of a broker, such as http:/);
  });
});

describe('the key that a command uses', () => {
  it('is --key, else SIGNALBOX_KEY, else admin.key in the data folder', () => {
    const data = dataFolder();
    const third = { STATE_DIRECTORY: `${data}:/elsewhere` };
    expect(brokerAddress({ key: OTHER, data }, { SIGNALBOX_KEY: KEY })).toMatchObject({
      key: OTHER,
      keyFrom: '--key',
    });
    expect(brokerAddress({ data }, { SIGNALBOX_KEY: OTHER })).toMatchObject({
      key: OTHER,
      keyFrom: 'SIGNALBOX_KEY',
    });
    expect(brokerAddress({ data }, {})).toMatchObject({ key: KEY, keyFrom: join(data, 'admin.key') });
    expect(brokerAddress({}, { ...third, SIGNALBOX_KEY: '' }).key).toBe(KEY);
    expect(brokerAddress({}, { STATE_DIRECTORY: '/nowhere', SIGNALBOX_DATA: data }).key).toBe(KEY);
  });

  it('is missing with a sentence that says how to give one', () => {
    const folder = temporaryFolder();
    expect(() => brokerAddress({ data: folder }, {})).toThrow(
      `No key: give --key or SIGNALBOX_KEY, or --data with the folder of admin.key (${folder}/admin.key: ENOENT).`,
    );
  });

  it('is refused where it was mistyped, before it is sent anywhere', async () => {
    const { url, asked } = await scripted({});
    const { code, err } = await run('device', 'list', '--url', url, '--key', KEY.slice(0, -1));
    expect(code).toBe(2);
    expect(err[0]).toMatch(/^The key from --key is mistyped or cut off/);
    expect(asked).toEqual([]);
  });

  it('is named by its place when the broker does not know it, such as an admin.key that was left over', async () => {
    const data = dataFolder();
    const { url } = await scripted(refusing('unauthorized', 'The key is unknown.'));
    const { code, err } = await run('device', 'list', '--url', url, '--data', data);
    expect(code).toBe(1);
    expect(err).toEqual([`The key is not valid: The key is unknown. (The key is from ${data}/admin.key.)`]);
  });
});

describe('a broker that does not answer as it should', () => {
  it('is not there', async () => {
    const url = await nobodysAddress();
    const { code, err } = await run('device', 'list', '--url', url, '--key', KEY);
    expect(code).toBe(1);
    expect(err[0]).toMatch(
      /^No broker answers at .*ECONNREFUSED.* Is it running\? Set --url or SIGNALBOX_URL\.$/,
    );
  });

  it.each([
    [{ status: 200, headers: { 'Content-Type': 'text/html' }, body: '<html>' }, 200],
    [{ status: 502, headers: { 'Content-Type': 'text/html' }, body: 'Bad gateway' }, 502],
    [{ status: 404, body: { message: 'none' } }, 404],
  ])('is another kind of server: %j', async (answer, status) => {
    const { url } = await scripted(answer);
    const { code, out, err } = await run('device', 'list', '--url', url, '--key', KEY);
    expect({ code, out }).toEqual({ code: 1, out: [] });
    expect(err).toEqual([`${url} answered ${status}, and not as a Signalbox broker does. Is the URL right?`]);
  });

  it('points elsewhere: the key does not follow', async () => {
    const thief = await scripted({ body: { items: [], next: null } });
    const { url } = await scripted({ status: 307, headers: { Location: `${thief.url}/api/v1/devices` } });
    const { code, err } = await run('device', 'list', '--url', url, '--key', KEY);
    expect(code).toBe(1);
    expect(err[0]).toContain(`points to ${thief.url}`);
    expect(thief.asked).toEqual([]);
  });
});

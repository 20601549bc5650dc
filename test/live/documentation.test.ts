/** docs/live.md and schemas/live.ts say the same. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { ClientMessageSchema, LIVE_ERRORS, ServerMessageSchema } from '../../schemas/live.ts';
import { World } from './world.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/live.md'), 'utf8');
const client = Compile(ClientMessageSchema);
const server = Compile(ServerMessageSchema);

function examples(heading: string): { type: string }[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(heading)) ?? '';
  return [...section.matchAll(/```json\n([\s\S]*?)```/g)].map((match) => JSON.parse(match[1] ?? ''));
}

describe('the page on the live channel', () => {
  it('shows messages of the client that the broker takes, of every type', () => {
    const shown = examples('From the client');
    for (const example of shown) expect([...client.Errors(example)]).toEqual([]);
    expect(new Set(shown.map(({ type }) => type))).toEqual(new Set(['subscribe', 'watch', 'unsubscribe']));
  });

  it('shows messages of the broker as it sends them, of every type', () => {
    const shown = examples('From the broker');
    for (const example of shown) expect([...server.Errors(example)]).toEqual([]);
    const types = ['snapshot', 'update', 'presence', 'event', 'command', 'desired', 'stats', 'error'];
    expect(new Set(shown.map(({ type }) => type))).toEqual(new Set(types));
  });

  it('lists every error code, and none that does not exist', () => {
    const table = page.slice(page.indexOf('| code | what to do |'), page.indexOf('## If you do not read'));
    const listed = [...table.matchAll(/^\| `([a-z-]+)`/gm)].map((match) => match[1]);
    expect(listed).toEqual(Object.keys(LIVE_ERRORS));
  });
});

describe('what the broker sends', () => {
  it('fits the schema, message by message', () => {
    const world = new World();
    const viewer = world.viewer();
    world.connects('acme/pump-7');
    world.measures('acme/pump-7', { temp: 1, raw: Uint8Array.of(1) });
    viewer.says({ type: 'subscribe', id: 1, topic: '+/+' });
    viewer.says({ type: 'subscribe', id: 2, topic: '' });
    world.tick();
    world.measures('acme/pump-7', { temp: 2 });
    world.happens('acme/pump-7', 'alarm', { bar: 9 });
    world.commands.queue('acme/pump-7', 'open-1', { open: true, raw: Uint8Array.of(1) });
    world.commands.write('open-1');
    world.reports('acme/pump-7', 0, { interval: 30, raw: Uint8Array.of(1) });
    world.measures('acme/pump-3', { temp: 2 });
    world.disconnects('acme/pump-7');
    world.forgets('acme/pump-3');
    world.clock.advance(1000);
    for (const message of viewer.read)
      expect([message.type, ...server.Errors(message)]).toEqual([message.type]);
    expect(new Set(viewer.read.map(({ type }) => type)).size).toBe(8);
  });
});

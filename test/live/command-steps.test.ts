/** What viewers are told of commands: each in its newest form, to those that may see its device. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as view from '../../broker/hub/commands/command.ts';
import type { CommandView } from '../../schemas/api.ts';
import { type FakeViewer, World, watchingWorld } from './world.ts';

function told(viewer: FakeViewer): CommandView[] {
  return viewer.of('command').flatMap((message) => message.commands);
}

describe('a viewer that covers the device', () => {
  it('is told each step, the command whole and as the HTTP API shows it', () => {
    const { world, viewer, commands } = watchingWorld();
    commands.queue('acme/pump-7', 'open-1', { open: true, raw: Uint8Array.of(1, 2) });
    world.tick();
    commands.write('open-1');
    world.tick();
    expect(told(viewer).map(({ status }) => status)).toEqual(['queued', 'written']);
    const [, command] = told(viewer);
    const expected = view.commandView(commands.find('open-1'), 'device offline since yesterday');
    expect(command).toEqual(expected);
    expect(command?.args).toEqual({ open: true, raw: { base64: 'AQI=' } });
    expect(command?.timeline.map(({ status }) => status)).toEqual(['queued', 'written']);
  });

  it('is told the newest form once, when several steps fall into one tick', () => {
    const { world, viewer, commands } = watchingWorld();
    commands.queue('acme/pump-7', 'open-1');
    commands.write('open-1');
    commands.answer('open-1', 'accepted');
    commands.answer('open-1', 'done', { bar: 4 });
    world.tick();
    const steps = ['queued', 'written', 'accepted', 'done'];
    expect(told(viewer)).toMatchObject([
      { id: 'open-1', status: 'done', result: { bar: 4 }, timeline: steps.map((status) => ({ status })) },
    ]);
    expect(told(viewer)[0]).not.toHaveProperty('waitingFor');
    viewer.news();
    world.tick();
    expect(viewer.news()).toEqual([]);
  });

  it('is told of commands while it watches the values of other devices', () => {
    const { world, viewer, commands } = watchingWorld();
    viewer.says({ type: 'watch', id: 1, devices: ['acme/pump-9'] });
    commands.queue('acme/pump-7', 'open-1');
    world.tick();
    expect(told(viewer)).toMatchObject([{ id: 'open-1' }]);
  });

  it('is not told what came before it', () => {
    const { world, viewer: early, commands } = watchingWorld();
    commands.queue('acme/pump-7', 'open-1');
    world.tick();
    const viewer = world.viewer();
    viewer.says({ type: 'subscribe', id: 1, topic: 'acme/+' });
    world.clock.advance(1000);
    expect([told(early), told(viewer)]).toMatchObject([[{ id: 'open-1' }], []]);
  });
});

describe('a viewer that may not see the device', () => {
  it.each([
    ['another customer’s', '+/+', 'other'],
    ['one with another topic', 'acme/pump-8', '*'],
  ])('(%s) is told nothing of its commands', (_, topic, customer) => {
    const { world, viewer, commands } = watchingWorld(topic, customer);
    commands.queue('acme/pump-7', 'secret-1', { code: 1234 });
    world.tick();
    commands.answer('secret-1', 'done');
    world.clock.advance(1000);
    viewer.says({ type: 'command', device: 'acme/pump-7', name: 'valve' });
    expect(JSON.stringify(viewer.news())).not.toMatch(/secret-1|1234|pump-7/);
    expect(commands.find('secret-1').status).toBe('done');
  });
});

describe('a viewer that could not read for a while', () => {
  function stalled() {
    const setting = watchingWorld();
    setting.viewer.stall();
    setting.world.measures('acme/pump-7', { text: 'x'.repeat(400_000) });
    setting.world.tick();
    return setting;
  }

  it('is told what it missed, and no step goes back', () => {
    const { world, viewer, commands } = stalled();
    commands.queue('acme/pump-7', 'open-1');
    world.tick();
    commands.write('open-1');
    world.tick();
    commands.answer('open-1', 'accepted');
    viewer.resume();
    world.tick();
    commands.answer('open-1', 'done');
    world.clock.advance(1000);
    const lengths = told(viewer).map(({ timeline }) => timeline.length);
    expect(lengths).toEqual([...lengths].sort());
    expect(told(viewer).at(-1)?.status).toBe('done');
  });

  it('is told so when steps were lost for it, and goes on with what is held', () => {
    const { world, viewer, commands } = stalled();
    for (let index = 0; index < 6000; index += 1) commands.queue('acme/pump-7', `open-${index}`);
    world.tick();
    viewer.resume();
    world.clock.advance(1000);
    expect(viewer.of('error')).toMatchObject([{ code: 'commands-missed' }]);
    expect(told(viewer).at(-1)?.id).toBe('open-5999');
    expect(viewer.mostBuffered).toBeLessThanOrEqual(1_048_576);
    commands.write('open-3');
    world.tick();
    expect(told(viewer).at(-1)).toMatchObject({ id: 'open-3', status: 'written' });
  });

  it('counts as skipped even if only commands came further', () => {
    const { world, commands } = stalled();
    world.tick();
    const before = world.counters.viewerSkips;
    commands.queue('acme/pump-7', 'open-1');
    world.tick();
    expect(world.counters.viewerSkips).toBe(before + 1);
  });
});

describe('what it costs', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('a command whose device says very much is told without what it said', () => {
    const { world, viewer, commands } = watchingWorld();
    commands.queue('acme/pump-7', 'dump-1');
    for (let index = 0; index < 20; index += 1) commands.answer('dump-1', 'progress', 'x'.repeat(50_000));
    world.tick();
    const [command] = told(viewer);
    expect(command?.timeline).toHaveLength(21);
    expect(JSON.stringify(command).length).toBeLessThan(10_000);
    expect(command).toMatchObject({ status: 'progress', args: null });
  });

  it('each command is encoded once a tick, however many viewers look on', () => {
    const { world, commands } = watchingWorld();
    const viewers = Array.from({ length: 20 }, () => world.viewer('acme'));
    for (const viewer of viewers) viewer.says({ type: 'subscribe', id: 1, topic: '+/+' });
    world.tick();
    const waitingFor = vi.spyOn(commands, 'waitingFor');
    for (let index = 0; index < 250; index += 1) commands.queue('acme/pump-7', `open-${index}`);
    world.tick();
    expect(waitingFor).toHaveBeenCalledTimes(250);
    expect(viewers.map((viewer) => told(viewer).length)).toEqual(viewers.map(() => 250));
  });

  it('nothing is encoded while nobody looks on, and nothing is heard after a stop', () => {
    const world = new World();
    const waitingFor = vi.spyOn(world.commands, 'waitingFor');
    world.commands.queue('acme/pump-7', 'open-1');
    world.tick();
    world.live.stop();
    world.commands.write('open-1');
    expect(waitingFor).not.toHaveBeenCalled();
  });
});

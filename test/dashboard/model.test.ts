/** The page's model of the fleet, its order and its search. */
import { describe, expect, it } from 'vitest';
import { FleetModel, ShownRows } from '../../dashboard/model.ts';
import type { LiveState, ServerMessage } from '../../schemas/live.ts';

function state(device: string, values: Record<string, unknown> = {}, online = true): LiveState {
  return {
    device,
    online,
    connectedAt: online ? 5 : null,
    since: 5,
    session: 's1',
    reason: online ? null : 'no-heartbeat',
    lastSeenAt: 9,
    lastDataAt: 9,
    clock: 'ok',
    values: Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, { value, at: 9, receivedAt: 9 }]),
    ),
  };
}

function snapshot(page: number, more: boolean, ...devices: LiveState[]): ServerMessage {
  return { type: 'snapshot', rev: 1, id: 1, page, more, devices };
}

function modelOf(...messages: ServerMessage[]): FleetModel {
  const model = new FleetModel();
  for (const message of messages) model.apply(message);
  return model;
}

const everything = { text: '', customer: '', presence: 'all' } as const;

describe('the model', () => {
  it('adds the values of an update to what it knows', () => {
    const model = modelOf(snapshot(0, false, state('acme/a', { x: 1, y: 2 })));
    const { values: _, ...fresh } = state('acme/a');
    model.apply({
      type: 'update',
      rev: 2,
      devices: [{ ...fresh, clock: 'ahead', values: { x: { value: 3, at: 10, receivedAt: 10 } } }],
    });
    const row = model.rows.get('acme/a');
    expect([row?.values.get('x')?.value, row?.values.get('y')?.value, row?.clock]).toEqual([3, 2, 'ahead']);
  });

  it('drops what the last page of a new snapshot has not listed, and not before', () => {
    const model = modelOf(snapshot(0, false, state('acme/a'), state('acme/b'), state('acme/c')));
    model.disconnected();
    expect([model.state, model.rows.size]).toEqual(['waiting', 3]);
    model.apply(snapshot(0, true, state('acme/a')));
    expect([model.state, model.rows.size]).toEqual(['loading', 3]);
    model.apply(snapshot(1, false, state('acme/c')));
    expect([model.state, [...model.rows.keys()]]).toEqual(['complete', ['acme/a', 'acme/c']]);
  });

  it('forgets the values that a new snapshot no longer has, and joins a device that comes in two parts', () => {
    const model = modelOf(snapshot(0, false, state('acme/a', { old: 1 })));
    model.apply(snapshot(0, true, state('acme/a', { x: 1 })));
    model.apply(snapshot(1, false, state('acme/a', { y: 2 })));
    expect([...(model.rows.get('acme/a')?.values.keys() ?? [])]).toEqual(['x', 'y']);
  });

  it('follows presence, and drops a device that was forgotten', () => {
    const model = modelOf(snapshot(0, false, state('acme/a'), state('acme/b')));
    const { values: _, ...gone } = state('acme/a', {}, false);
    model.apply({
      type: 'presence',
      rev: 3,
      devices: [
        { ...gone, rev: 2 },
        { device: 'acme/b', forgotten: true, rev: 3 },
      ],
    });
    expect([...model.rows.values()].map(({ name, online, reason }) => [name, online, reason])).toEqual([
      ['acme/a', false, 'no-heartbeat'],
    ]);
  });
});

describe('the table’s rows', () => {
  const model = modelOf(
    snapshot(
      0,
      false,
      state('acme/pump-10'),
      state('acme/pump-2', {}, false),
      state('zeta/fan-1'),
      state('acme/Pump-1'),
    ),
  );
  const selection = new ShownRows(model);
  const names = (filter: object) => selection.rows({ ...everything, ...filter }).map(({ name }) => name);

  it('stand in the order of people: pump-2 before pump-10', () => {
    expect(names({})).toEqual(['acme/Pump-1', 'acme/pump-2', 'acme/pump-10', 'zeta/fan-1']);
  });

  it('are found by a part of the name in any case, by customer and by presence', () => {
    expect(names({ text: ' PUMP-1 ' })).toEqual(['acme/Pump-1', 'acme/pump-10']);
    expect(names({ customer: 'zeta' })).toEqual(['zeta/fan-1']);
    expect(names({ presence: 'offline' })).toEqual(['acme/pump-2']);
    expect(selection.customers()).toEqual(['acme', 'zeta']);
  });

  it('include a device that comes later', () => {
    model.apply({ type: 'presence', rev: 9, devices: [{ ...state('acme/alarm'), rev: 9 }] });
    expect(names({ text: 'alarm' })).toEqual(['acme/alarm']);
  });
});

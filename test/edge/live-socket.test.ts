/** The heartbeat of a viewer's socket. */
import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { LiveSocket } from '../../broker/edge/live-upgrade.ts';
import { FakeClock } from '../helpers/clock.ts';

class FakeWebSocket extends EventEmitter {
  pings = 0;
  state: 'open' | 'terminated' = 'open';

  ping(): void {
    this.pings += 1;
  }

  terminate(): void {
    this.state = 'terminated';
  }
}

function setUp() {
  const clock = new FakeClock();
  const webSocket = new FakeWebSocket();
  const socket = new LiveSocket(webSocket as unknown as WebSocket, clock, null);
  socket.attach({ receive: () => {}, end: () => {}, closed: () => {} }, () => {});
  const pass = (milliseconds: number, late = 0) => {
    clock.advance(milliseconds);
    socket.heartbeat(late);
  };
  return { clock, webSocket, pass };
}

it('pings every 30 s and ends a viewer that was silent for 75 s', () => {
  const { webSocket, pass } = setUp();
  for (let seconds = 5; seconds < 75; seconds += 5) pass(5000);
  expect([webSocket.pings, webSocket.state]).toEqual([2, 'open']);
  pass(5000);
  expect(webSocket.state).toBe('terminated');
});

it('ends nobody because the wall clock was set ahead, and the silent one though it was set back', () => {
  const { clock, webSocket, pass } = setUp();
  clock.setWall(clock.now() + 86_400_000);
  pass(70_000);
  expect([webSocket.pings, webSocket.state]).toEqual([1, 'open']);
  clock.setWall(clock.now() - 2 * 86_400_000);
  pass(5000);
  expect(webSocket.state).toBe('terminated');
});

it('asks once more when the process was stopped, and then waits as long as before', () => {
  const { webSocket, pass } = setUp();
  pass(40_000);
  pass(3_605_000, 3_600_000);
  expect([webSocket.pings, webSocket.state]).toEqual([2, 'open']);
  pass(25_000);
  expect(webSocket.state).toBe('open');
  pass(5000);
  expect(webSocket.state).toBe('terminated');
});

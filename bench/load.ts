/**
 * The load: devices that write prebuilt frames, and viewers, all in this one process. While it sends it spins instead of
 * sleeping (it has a core of its own), so that writes are made when they are due. Owns the connections.
 */
import type { Socket } from 'node:net';
import { Durations } from '../device-sim/durations.ts';
import { LoadDevice } from './load-device.ts';
import { openSocket } from './load-socket.ts';
import type { LoadMark, LoadRequest, Target } from './messages.ts';
import { answer } from './peer.ts';
import { maskedFrame, NumberedWrite, telemetryPayload } from './wire.ts';

/** Connections that are opened at the same time. */
const OPENING = 50;
/** Writes in one turn: acks must be read in between. */
const WRITES_A_TURN = 400;
const SUBSCRIBE = maskedFrame(Buffer.from('{"type":"subscribe","id":1,"topic":"+/+"}'), 1);

const latencies = new Durations();
let target: Target | null = null;
let devices: LoadDevice[] = [];
let viewers: Socket[] = [];
let viewerBytes = 0;
let state: 'idle' | 'sending' = 'idle';

async function connect(to: Target): Promise<void> {
  target = to;
  const known = devices.length;
  const numbers = Array.from({ length: to.devices }, (_, index) => known + index);
  while (numbers.length > 0) {
    const opened = numbers.splice(0, OPENING).map((number) => device(to, number));
    devices.push(...(await Promise.all(opened)));
  }
  for (let count = 0; count < to.viewers; count += 1) {
    const viewer = await openViewer(to);
    viewer.on('data', (chunk) => {
      viewerBytes += chunk.length;
    });
    viewer.resume();
  }
}

async function device({ port, deviceKey }: Target, number: number): Promise<LoadDevice> {
  const { socket, rest } = await openSocket({ port, key: deviceKey, path: `/v1/device?device=d${number}` });
  return new LoadDevice(socket, rest, latencies);
}

async function openViewer({ port, viewerKey }: Target): Promise<Socket> {
  const { socket } = await openSocket({ port, key: viewerKey, path: '/v1/live' });
  socket.on('error', () => socket.destroy());
  socket.write(SUBSCRIBE);
  viewers.push(socket);
  return socket;
}

/** Writes what is due, one connection after the other; those whose socket is full are passed over in a flood. */
function send(framesPerWrite: number, framesPerSecond: number): void {
  // One set of bytes a device: the kernel may still be reading those of another.
  const frames = devices.map(() => new NumberedWrite(telemetryPayload(Date.now()), framesPerWrite));
  const start = performance.now();
  const interval = (1000 * framesPerWrite) / framesPerSecond;
  const dueTime = (write: number, now: number) => (framesPerSecond === 0 ? now : start + write * interval);
  let writes = 0;
  let next = 0;
  state = 'sending';
  const turn = () => {
    if (state === 'idle') return;
    const now = performance.now();
    for (let tries = 0; tries < WRITES_A_TURN; tries += 1) {
      const due = dueTime(writes, now);
      if (due > now) break;
      const index = next;
      next = (next + 1) % devices.length;
      const device = devices[index] as LoadDevice;
      if (!device.isFree) continue;
      device.write(frames[index] as NumberedWrite, due);
      writes += 1;
    }
    setImmediate(turn);
  };
  turn();
}

async function stopSending(): Promise<void> {
  state = 'idle';
  while (devices.some((device) => !device.isFree)) await new Promise((resolve) => setTimeout(resolve, 5));
}

function mark(): LoadMark {
  const sent = devices.reduce((sum, { seq }) => sum + seq, 0);
  const read = viewerBytes;
  viewerBytes = 0;
  return { sent, ack: latencies.collect(), viewerBytes: read };
}

function disconnect(): void {
  state = 'idle';
  for (const one of [...devices, ...viewers]) one.destroy();
  devices = [];
  viewers = [];
}

answer<LoadRequest>(async (request) => {
  if (request.ask === 'connect') await connect(request);
  else if (request.ask === 'send') send(request.framesPerWrite, request.framesPerSecond);
  else if (request.ask === 'stop') await stopSending();
  else if (request.ask === 'stuck-viewer') await openViewer(target as Target);
  else if (request.ask === 'disconnect') disconnect();
  return mark();
});

/**
 * The load of `storm.ts`, a process of its own: many devices on raw sockets that write the same prebuilt bytes. Owns the
 * connections and what was acknowledged on each.
 */
import type { Socket } from 'node:net';
import { encodeHello } from '../broker/wire/encode.ts';
import { openSocket } from './load-socket.ts';
import { answer } from './peer.ts';
import type { StormMark, StormRequest } from './storm-messages.ts';
import { AckReader, costlyPayload, maskedFrame, NumberedWrite, telemetryPayload } from './wire.ts';

/** Connections that are opened at the same time. */
const OPENING = 100;
/** Devices of one source address, below the broker's limit. */
const DEVICES_AN_ADDRESS = 4000;

interface StormDevice {
  readonly socket: Socket;
  acknowledged: number;
  state: 'open' | 'lost';
}

let devices: StormDevice[] = [];
/** Frames that each device has sent so far. */
let sent = 0;
let goal = 0;
let startedAt = 0;
let firstAck: number | null = null;
let complete = 0;
let completeAt: number | null = null;
let trickle: NodeJS.Timeout | null = null;

async function connect(request: StormRequest & { ask: 'connect' }): Promise<void> {
  const numbers = Array.from({ length: request.devices }, (_, index) => index);
  while (numbers.length > 0) {
    const opened = numbers.splice(0, OPENING).map((number) => open(request, number));
    devices.push(...(await Promise.all(opened)));
  }
}

async function open({ port, key }: { port: number; key: string }, number: number): Promise<StormDevice> {
  const from = `127.0.0.${2 + Math.floor(number / DEVICES_AN_ADDRESS)}`;
  const { socket, rest } = await openSocket({ port, key, path: `/v1/device?device=s${number}`, from });
  const device: StormDevice = { socket, acknowledged: 0, state: 'open' };
  const acks = new AckReader((seq) => acknowledge(device, seq));
  socket.on('data', (chunk) => acks.read(chunk as Buffer));
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    device.state = 'lost';
  });
  acks.read(rest);
  socket.write(maskedFrame(encodeHello({ boot: number + 1 }), 2));
  socket.resume();
  return device;
}

function acknowledge(device: StormDevice, seq: number): void {
  if (seq === 0) return;
  const now = performance.now();
  firstAck ??= now - startedAt;
  const before = device.acknowledged;
  device.acknowledged = Math.max(before, seq);
  if (before >= goal || device.acknowledged < goal) return;
  complete += 1;
  if (complete === devices.length) completeAt = now - startedAt;
}

function begin(): void {
  startedAt = performance.now();
  firstAck = completeAt = null;
  complete = 0;
}

/** Every device writes `frames` at once: the same bytes, since each counts within its own boot. */
function storm(frames: number): void {
  begin();
  const write = new NumberedWrite(telemetryPayload(Date.now()), frames);
  write.number(sent + 1);
  sent += frames;
  goal = sent;
  writeAll(write.bytes, 0);
}

/** Some at a time: acknowledgements are read in between. */
function writeAll(bytes: Buffer, from: number): void {
  for (const { socket, state } of devices.slice(from, from + OPENING))
    if (state === 'open') socket.write(bytes);
  if (from + OPENING < devices.length) setImmediate(() => writeAll(bytes, from + OPENING));
}

/** Every device writes one costly frame after another, until `stop`. */
function costly(framesPerSecond: number): void {
  begin();
  goal = Number.POSITIVE_INFINITY;
  const writes = devices.map(() => new NumberedWrite(costlyPayload(), 1));
  let round = 0;
  trickle = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * framesPerSecond);
    for (; round < due; round += 1) {
      sent += 1;
      for (const [index, { socket, state }] of devices.entries()) {
        // Its bytes are still being read by the kernel, which pushes back.
        if (state === 'lost' || socket.writableLength > 0) continue;
        writes[index]?.number(sent);
        socket.write((writes[index] as NumberedWrite).bytes);
      }
    }
  }, 4);
}

function stop(): void {
  if (trickle) clearInterval(trickle);
  trickle = null;
}

function disconnect(): void {
  stop();
  for (const { socket } of devices) socket.destroy();
  devices = [];
  sent = 0;
}

function mark(): StormMark {
  const lost = devices.filter(({ state }) => state === 'lost').length;
  const acknowledged = devices.reduce((sum, device) => sum + device.acknowledged, 0);
  return {
    devices: devices.length,
    lost,
    acknowledged,
    sent: sent * devices.length,
    firstAck,
    complete,
    completeAt,
  };
}

answer<StormRequest>(async (request) => {
  if (request.ask === 'connect') await connect(request);
  else if (request.ask === 'storm') storm(request.frames);
  else if (request.ask === 'costly') costly(request.framesPerSecond);
  else if (request.ask === 'stop') stop();
  else if (request.ask === 'disconnect') disconnect();
  return mark();
});

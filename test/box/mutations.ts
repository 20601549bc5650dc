/**
 * Faults to be put into the broker by hand, one at a time, to see that the box finds them (docs/simulation.md). One that it does not find names
 * a judge that is missing.
 */

export interface Mutation {
  readonly name: string;
  readonly file: string;
  /** Stands in the file once. */
  readonly from: string;
  readonly to: string;
}

const INGEST = 'broker/hub/telemetry/ingest.ts';
const APPLY = 'broker/hub/telemetry/apply.ts';
const CHECKPOINT = 'broker/hub/telemetry/checkpoint.ts';
const RESTORE = 'broker/hub/telemetry/restore.ts';
const WRITER = 'broker/store/log/segment-writer.ts';
const SESSION = 'broker/session/session.ts';

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'an ack before the commit',
    file: INGEST,
    from: 'if (frame.seq !== null) source.progress.accepted = frame.seq;',
    to: 'if (frame.seq !== null) source.durable((source.progress.accepted = frame.seq));',
  },
  {
    name: 'the log is written and not synced',
    file: WRITER,
    from: '    this.files.sync(segment.file);\n',
    to: '',
  },
  {
    name: 'a repeated frame is taken again: < for <=',
    file: INGEST,
    from: 'frame.seq <= source.progress.accepted',
    to: 'frame.seq < source.progress.accepted',
  },
  {
    name: 'an older sample replaces a newer value',
    file: 'broker/hub/fleet/state-cost.ts',
    from: 'return at >= held || held > arrival + MOST_AHEAD;',
    to: 'return true;',
  },
  {
    name: 'a value of the same time does not replace: > for >=',
    file: 'broker/hub/fleet/state-cost.ts',
    from: 'return at >= held ||',
    to: 'return at > held ||',
  },
  {
    name: 'the checkpoint stands for a position after its rows',
    file: CHECKPOINT,
    from: 'await state.setCheckpointPosition(position);',
    to: 'await state.setCheckpointPosition(ingest.position);',
  },
  {
    name: 'a checkpoint forgets what changed while it was written',
    file: CHECKPOINT,
    from: '    await this.saveDevices(devices);\n',
    to: '    await this.saveDevices(devices);\n    changes.drain();\n',
  },
  {
    name: 'the log is replayed from its end instead of the checkpoint',
    file: RESTORE,
    from: 'const from = later(bounds.first, await state.checkpointPosition());',
    to: 'const from = later(bounds.end, await state.checkpointPosition());',
  },
  {
    name: 'a replayed record counts although the row holds it: <= for <',
    file: RESTORE,
    from: 'const isHeld = record.position < position;',
    to: 'const isHeld = record.position <= position;',
  },
  {
    name: 'what was replayed is not in the next checkpoint',
    file: 'broker/hub/fleet/fleet.ts',
    from: '    for (const list of this.changeLists) list.note(device);',
    to: '    if (device.member !== null || device.online) for (const list of this.changeLists) list.note(device);',
  },
  {
    name: 'a forgotten device comes back by the replay',
    file: RESTORE,
    from: "if (isHeld && (isForgotten || item.kind === 'session')) continue;",
    to: "if (isHeld && !isForgotten && item.kind === 'session') continue;",
  },
  {
    name: 'what a crash interrupted is not told to have ended',
    file: RESTORE,
    from: '  await endLost(parts);\n',
    to: '',
  },
  {
    name: 'the end of a replaced connection is told',
    file: 'broker/hub/fleet/fleet.ts',
    from: '!device.online || device.presence.session !== session ||',
    to: '!device.online ||',
  },
  {
    name: 'a replaced connection goes on',
    file: SESSION,
    from: '    replaced.end(4001);\n',
    to: '',
  },
  {
    name: 'hello is answered with what was accepted, not with what is durable',
    file: SESSION,
    from: 'this.acks.owe(this.progress.durable);',
    to: 'this.acks.owe(this.progress.accepted);',
  },
  {
    name: 'hello is answered before its commit',
    file: SESSION,
    from: "if (this.state === 'greeting') this.state = 'introducing';",
    to: "if (this.state === 'greeting') this.state = 'introducing';\n    this.introduced();",
  },
  {
    name: 'sequences come back lower by one',
    file: 'broker/hub/telemetry/device-record.ts',
    from: '{ accepted: durable, durable }',
    to: '{ accepted: durable - 1, durable: durable - 1 }',
  },
  {
    name: 'a torn tail is not cut',
    file: WRITER,
    from: 'if (recovered.torn) files.truncate(file, recovered.torn.offset);',
    to: '',
  },
  {
    name: 'a torn record counts as whole',
    file: 'broker/store/log/format.ts',
    from: 'return payload.length === header.length && crc32(payload) === header.payloadCrc;',
    to: 'return payload.length === header.length;',
  },
  {
    name: 'a tail that was read is not synced by the next start',
    file: WRITER,
    from: 'if (last.bytes > 0 || recovered.torn) files.syncAll(file);',
    to: '',
  },
  {
    name: 'a failed sync is taken for a full disk, and tried again',
    file: 'broker/store/obstacles.ts',
    from: "return syscall.endsWith('sync') ? null : (BY_CODE[code] ?? null);",
    to: "return BY_CODE[code] ?? 'disk-full';",
  },
  {
    name: 'a time that cannot be right is kept',
    file: APPLY,
    from: "return judgeTime(at, arrival) === 'ok' ? at : steady;",
    to: 'return at;',
  },
  {
    name: 'retention takes what the checkpoint still needs',
    file: 'broker/store/log/segments.ts',
    from: 'segment.end > view.held || !mayGo(segment, limits, view)',
    to: '!mayGo(segment, limits, view)',
  },
  {
    name: 'a sleeping device is missed: heartbeats end nobody',
    file: 'broker/session/sessions.ts',
    from: 'const SILENT_INTERVALS = 2.5;',
    to: 'const SILENT_INTERVALS = 250;',
  },
  {
    name: 'changes noted before the first checkpoint are dropped',
    file: 'broker/hub/telemetry/checkpoint.ts',
    from: "    this.state = 'started';\n",
    to: "    this.state = 'started';\n    for (const device of this.parts.changes.drain()) device.savedTo = device.appliedTo;\n",
  },
  {
    name: 'heartbeats go by the wall clock',
    file: 'broker/session/sessions.ts',
    from: 'const now = clock.monotonic();\n      const late',
    to: 'const now = clock.now();\n      const late',
  },
  {
    name: 'the checkpoint holds nothing of the log',
    file: 'broker/hub/telemetry/checkpoint.ts',
    from: "    log.hold('state', position);\n",
    to: "    log.hold('state', ingest.position);\n",
  },
  {
    name: 'a short write counts as whole',
    file: 'broker/store/log/segment-writer.ts',
    from: 'let written = this.files.write(file, rest, at);',
    to: 'let written = (this.files.write(file, rest, at), rest.reduce((sum, { length }) => sum + length, 0));',
  },
  {
    name: 'records that met a full disk are dropped',
    file: 'broker/store/log/writer-thread.ts',
    from: 'this.attempt(() => this.commit(group), group);\n    while',
    to: 'this.attempt(() => this.goOn(), group);\n    while',
  },
  {
    name: 'corruption in the middle is cut as a torn tail',
    file: 'broker/store/log/recovery.ts',
    from: 'if (offset !== null && wasDurable(bytes, last.base, offset)) throw corrupt(file, offset);',
    to: '',
  },
  {
    name: 'nothing asks whether the log is shorter than the database knows',
    file: 'broker/store/log/recovery.ts',
    from: '  checkFloor(file, last.base + whole, whole, floor);\n',
    to: '',
  },
  {
    name: 'a gap between segments is no damage',
    file: 'broker/store/log/recovery.ts',
    from: '  checkContiguous(folder, segments);\n',
    to: '',
  },
  {
    name: 'the folder is not synced after a new segment',
    file: 'broker/store/log/segment-writer.ts',
    from: '    try {\n      this.files.syncFolder(folder);',
    to: '    try {\n',
  },
  {
    name: 'a forgotten device keeps its connection',
    file: 'broker/hub/fleet/device-registry.ts',
    from: "    member?.end(4003, 'The device was forgotten by an operator.');\n    await ingest.flushed();\n",
    to: '    await ingest.flushed();\n',
  },
  {
    name: 'a forgotten row is not stored',
    file: 'broker/hub/fleet/device-registry.ts',
    from: '  await state.saveDevices([{ customer, device: id, position: ingest.position, body: null }]);\n',
    to: '',
  },
  {
    name: 'a revoked key is not stored',
    file: 'broker/access/key-service.ts',
    from: '      await this.parts.store.updateKeys([{ ...before, ...part }]);\n',
    to: '',
  },
  {
    name: 'a revoked key keeps its connections',
    file: 'broker/access/key-service.ts',
    from: "    this.end(id, 'revoked');\n",
    to: '',
  },
  {
    name: 'an expired key keeps its connections',
    file: 'broker/access/key-service.ts',
    from: "    for (const id of this.alive) if (!this.find(id)) this.end(id, 'expired');\n",
    to: '',
  },
  {
    name: 'the use of a key brings it back (a row stored before its turn)',
    file: 'broker/access/key-service.ts',
    from: 'this.byId.set(id, { ...(this.byId.get(id) as KeyRow), ...part });',
    to: 'this.byId.set(id, { ...(this.byId.get(id) as KeyRow) });',
  },
  {
    name: 'a rotated key goes on for ever',
    file: 'broker/access/key-service.ts',
    from: 'now + overlapMs),',
    to: 'Number.MAX_SAFE_INTEGER),',
  },
  {
    name: 'pings: 2,000 a second',
    file: 'broker/edge/device-upgrade.ts',
    from: 'const CONTROL_FRAMES_A_SECOND = 20;',
    to: 'const CONTROL_FRAMES_A_SECOND = 2000;',
  },
  {
    name: 'fragments: no limit',
    file: 'broker/edge/device-upgrade.ts',
    from: 'maxFragments: 128,',
    to: 'maxFragments: 12800,',
  },
  {
    name: 'invalid frames: >= for >',
    file: 'broker/session/session.ts',
    from: 'return this.times.length > this.limit;',
    to: 'return this.times.length >= this.limit;',
  },
  {
    name: 'text is ignored',
    file: 'broker/session/session.ts',
    from: "    this.refuse(new FrameError('text-message'));",
    to: '',
  },
  {
    name: 'a frame outside the profile closes with 4400',
    file: 'broker/session/session.ts',
    from: 'if (closes !== null) this.end(closes, error.message);',
    to: 'if (closes !== null) this.end(closes === 1007 ? 4400 : closes, error.message);',
  },
  {
    name: 'writes overtake those that wait for a lock',
    file: 'broker/store/sqlite/server.ts',
    from: "const waits = this.held.length > 0 && kindOf(call) !== 'read';",
    to: 'const waits = false;',
  },
  {
    name: 'a locked database counts as a failure',
    file: 'broker/store/sqlite/server.ts',
    from: "if (error.code.startsWith('SQLITE_BUSY')) return 'database-locked';",
    to: '',
  },
];

/**
 * The viewers of a box: who they are, the keys that they come with, and who tries to come without one. Owns them, and what became of their keys.
 */
import type { Box } from './box.ts';
import { Chronicle } from './chronicle.ts';
import type { Guest } from './guests.ts';
import { Viewer, type ViewerKey } from './viewer.ts';
import { Revisions, VIEWER_RULES, ViewerJudge } from './viewer-judge.ts';
import { ClientSocket } from './websocket.ts';

interface Kind {
  readonly name: string;
  readonly role: 'viewer' | 'operator' | 'admin';
  /** `*`: all. */
  readonly customer: string;
}

const KINDS: readonly Kind[] = [
  { name: 'viewer-0', role: 'viewer', customer: 'customer-0' },
  { name: 'viewer-1', role: 'operator', customer: 'customer-1' },
  { name: 'viewer-all', role: 'admin', customer: '*' },
  { name: 'viewer-2', role: 'admin', customer: '*' },
];

/** ms between tries to come in without a right to. */
const INTRUDES = 600_000;

export class Viewers implements Guest {
  readonly viewers: Viewer[] = [];
  private readonly box: Box;
  private readonly chronicle: Chronicle;
  private readonly revisions = new Revisions();
  private readonly asked = new Set<Viewer>();
  private state: 'here' | 'gone' = 'here';

  constructor(box: Box) {
    this.box = box;
    const { machine, world, judge, ears, faults } = box;
    const process = () => machine.running?.process ?? null;
    this.chronicle = new Chronicle({ world, model: judge.model, process });
    ears.add(this.chronicle);
    faults.declare(Object.values(VIEWER_RULES));
  }

  begin(): void {
    for (const { name } of this.box.devices) this.chronicle.of(name);
    KINDS.forEach((kind, index) => {
      const viewer = this.make(kind, index);
      this.viewers.push(viewer);
      viewer.start();
    });
    this.intrudeIn();
  }

  calm(): void {
    for (const viewer of this.viewers) viewer.beginCalm();
  }

  waitsFor(): string | null {
    return this.viewers.find(({ waitsFor }) => waitsFor !== null)?.waitsFor ?? null;
  }

  judge(): void {
    for (const { parts } of this.viewers) parts.judge.settled(this.box.world.time);
  }

  leave(): void {
    this.state = 'gone';
    for (const viewer of this.viewers) viewer.stop();
  }

  /** The key of a viewer is revoked. */
  revoke(index: number): void {
    const viewer = this.viewers[index % this.viewers.length];
    if (viewer?.key.state !== 'valid') return;
    const { key } = viewer;
    const asked = this.box.machine.ask(({ parts }) => parts.keys.revoke(key.id));
    if (!asked) return;
    key.state = 'perhaps';
    asked.then(
      () => viewer.key === key && viewer.revoked(),
      () => {},
    );
  }

  private make({ name, role, customer }: Kind, index: number): Viewer {
    const { box, chronicle } = this;
    const { world, network, machine, faults, devices } = box;
    const own = devices
      .map((device) => device.name)
      .filter((one) => customer === '*' || one.startsWith(customer));
    const parts = { name, faults, chronicle, customer };
    const judge: ViewerJudge = new ViewerJudge(
      {
        ...parts,
        devicesOf: (of) =>
          [...chronicle.all()].filter((one) => of === '*' || one.name.startsWith(`${of}/`)).length,
        refusedAt: () => machine.disk.refusedAt,
        subscriptions: () => viewer.topics.all,
      },
      this.revisions,
    );
    const general = customer === '*' ? ['+/+', 'customer-0/+', 'customer-1/+'] : [`${customer}/+`, '+/+'];
    const viewer: Viewer = new Viewer(
      {
        ...{ world, network, faults, judge, name },
        address: box.address,
        from: `10.1.0.${index + 1}`,
        topics: [...general, ...own.slice(0, 3)],
        devices: own,
        foreignTopic:
          customer === '*' ? null : `${customer === 'customer-0' ? 'customer-1' : 'customer-0'}/+`,
        process: () => machine.running?.process ?? null,
        starts: () => machine.starts,
        needsKey: (one) => this.giveKey(one, { name, role, customer }),
      },
      { text: '', id: '', state: 'none' },
    );
    return viewer;
  }

  private giveKey(viewer: Viewer, { role, customer }: Kind): void {
    if (this.asked.has(viewer)) return;
    const request = { customer, device: null, role, label: null, expiresAt: null } as const;
    const asked = this.box.machine.ask(({ parts }) => parts.keys.create(request));
    if (!asked) return;
    this.asked.add(viewer);
    const over = () => void this.asked.delete(viewer);
    this.box.machine.running?.process.onDeath(over);
    asked.then(({ key: text, row }) => {
      over();
      const key: ViewerKey = { text, id: row.id, state: 'valid' };
      viewer.key = key;
    }, over);
  }

  private intrudeIn(): void {
    const { world } = this.box;
    world.after(
      INTRUDES,
      () => {
        if (this.state === 'gone') return;
        this.intrude();
        this.intrudeIn();
      },
      null,
    );
  }

  /** Somebody whom nobody lets in: from another page, with the key of a device, with none that is known. */
  private intrude(): void {
    const { world, network, faults, devices, address } = this.box;
    const random = world.randomOf(`intruder/${Math.floor(world.time)}`);
    const [valid] = this.viewers.filter(({ key }) => key.state === 'valid');
    const tries = [
      { key: devices[0]?.parts.key ?? '', headers: [], statuses: [403, 401] },
      { key: 'no-key', headers: [], statuses: [401] },
      ...(valid
        ? [{ key: valid.key.text, headers: ['Origin: https://elsewhere.example'], statuses: [403] }]
        : []),
    ];
    const { key, headers, statuses } = random.pick(tries);
    const check = (holds: boolean, message: () => string) => faults.check(VIEWER_RULES.keys, holds, message);
    const socket: ClientSocket = new ClientSocket(
      network,
      random,
      { address, from: '10.2.0.1', path: '/v1/live', key, headers },
      {
        open: () => check(false, () => 'somebody was let in without a right'),
        refused: (status, body) => {
          check(
            [...statuses, 503, 429].includes(status),
            () => `refused with ${status} ${body}, not ${statuses[0]}`,
          );
        },
        message: () => {},
        ping: () => {},
        closed: () => {},
      },
    );
    world.after(60_000, () => socket.cut(), null);
  }
}

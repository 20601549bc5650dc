/** The report of a simulation or a replay, as data and as text. */

/** What devices did about commands. */
export interface CommandCounts {
  /** Frames that came. */
  readonly received: number;
  /** Of these, such as came again and were not executed again. */
  readonly repeated: number;
  /** Begun to be carried out. */
  readonly executed: number;
  /** Commands of which this was said. */
  readonly accepted: number;
  readonly done: number;
  readonly failed: number;
  readonly rejected: number;
}

export interface Report {
  readonly devices: number;
  /** Of these, how many were connected at least once. */
  readonly connected: number;
  readonly online: number;
  readonly seconds: number;
  /** Frames handed in. */
  readonly sent: number;
  /** Measurements in them. */
  readonly samples: number;
  /** Frames that the broker said are durable. */
  readonly acknowledged: number;
  /** Frames that wait for that; 0 in a closing report. */
  readonly pending: number;
  /** Frames that were given up, and at the end those that were never acknowledged. */
  readonly lost: number;
  /** Frames that were written again after a cut. */
  readonly resent: number;
  /** Handshakes that were refused. */
  readonly refused: number;
  /** Connections that ended, or could not be made. */
  readonly disconnects: number;
  readonly commands: CommandCounts;
  /** From handing in to acknowledgement; ms; null: nothing was acknowledged. */
  readonly ackP50: number | null;
  readonly ackP99: number | null;
  /** Acknowledged frames a second. */
  readonly framesPerSecond: number;
  /** What went wrong, each with how often. */
  readonly problems: readonly { readonly what: string; readonly count: number }[];
}

/** The closing report for people. */
export function reportText(report: Report): string {
  const rows: [string, string][] = [
    ['devices', `${report.devices} (${report.connected} connected)`],
    ['duration', `${report.seconds.toFixed(1)} s`],
    ['sent', `${number(report.sent)} frames, ${number(report.samples)} samples`],
    [
      'acknowledged',
      `${number(report.acknowledged)} (${number(Math.round(report.framesPerSecond))} frames/s)`,
    ],
    ['lost', number(report.lost)],
    ['resent', number(report.resent)],
    ['refused', number(report.refused)],
    ['disconnects', number(report.disconnects)],
    ['ack p50 / p99', `${milliseconds(report.ackP50)} / ${milliseconds(report.ackP99)}`],
    ...commandRows(report.commands),
  ];
  const lines = rows.map(([name, value]) => `${name.padEnd(14)} ${value}`);
  return [...lines, ...report.problems.map(({ what, count }) => `  ${count} x ${what}`)].join('\n');
}

/** None where no command came. */
function commandRows(commands: CommandCounts): [string, string][] {
  const { received, repeated, executed, done, failed, rejected } = commands;
  if (received === 0) return [];
  const came = `${number(received)} received (${number(repeated)} again), ${number(executed)} executed`;
  return [
    ['commands', came],
    ['', `${number(done)} done, ${number(failed)} failed, ${number(rejected)} rejected`],
  ];
}

/** One line for a terminal, while it runs. */
export function progressLine(report: Report): string {
  const { online, devices, acknowledged, pending, lost, framesPerSecond, seconds, ackP99 } = report;
  return [
    `${seconds.toFixed(0)} s`,
    `${online}/${devices} online`,
    `${number(acknowledged)} acknowledged`,
    `${number(Math.round(framesPerSecond))} frames/s`,
    `${number(pending)} waiting`,
    `${number(lost)} lost`,
    `ack p99 ${milliseconds(ackP99)}`,
  ].join('  ');
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function milliseconds(value: number | null): string {
  if (value === null) return '-';
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

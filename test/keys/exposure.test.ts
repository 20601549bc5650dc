import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { exposures } from '../../broker/access/bootstrap.ts';
import { startProcess } from '../helpers/broker-process.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

it('a folder or an admin key that others can read is named, with the command that mends it', () => {
  const folder = temporaryFolder();
  const key = join(folder, 'admin.key');
  writeFileSync(key, 'sbx_', { mode: 0o600 });
  chmodSync(folder, 0o700);
  expect(exposures(folder)).toEqual([]);
  expect(exposures(join(folder, 'none'))).toEqual([]);
  chmodSync(folder, 0o755);
  chmodSync(key, 0o640);
  expect(exposures(folder)).toEqual([
    expect.stringContaining(
      `(mode 0755), which holds telemetry and the state of the fleet. Run: chmod 700 ${folder}`,
    ),
    expect.stringContaining(`(mode 0640), which holds a key to everything. Run: chmod 600 ${key}`),
  ]);
});

it('"Everybody on the machine could read admin.key, and nothing said so": the start warns', async () => {
  const folder = temporaryFolder();
  const first = await startProcess({ data: folder });
  await first.stop();
  chmodSync(join(folder, 'admin.key'), 0o644);
  const second = await startProcess({ data: folder });
  const warnings = second.log.filter(({ level }) => level === 40).map(({ msg }) => msg);
  expect(warnings).toContainEqual(expect.stringContaining('chmod 600'));
  await second.stop();
});

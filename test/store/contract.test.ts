/** One suite for every engine: what a room may rely on must not depend on where the bytes go. */
import { describe, expect, it } from 'vitest';
import { databaseContract } from './database-contract.ts';
import { startStores } from './harness.ts';
import { telemetryLogContract } from './log-contract.ts';
import { recordsContract } from './records-contract.ts';

const DURABILITY = { files: 'power', memory: 'process' } as const;

describe.each(['files', 'memory'] as const)('the %s engine', (engine) => {
  it('says what its "durable" means', async () => {
    const { stores } = await startStores({ engine });
    expect(stores.log.durability).toBe(DURABILITY[engine]);
    expect(stores.database.durability).toBe(DURABILITY[engine]);
  });

  describe('the log', () => telemetryLogContract(engine));
  describe('the database', () => databaseContract(engine));
  describe('the records', () => recordsContract(engine));
});

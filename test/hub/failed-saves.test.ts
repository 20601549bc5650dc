/**
 * What a store did not take is saved with the next checkpoint, whose position stands for it; otherwise a store that failed for a
 * moment would lose it for ever.
 */
import { expect, it } from 'vitest';
import { commandWorld } from '../commands/world.ts';
import { desiredWorld } from '../desired/world.ts';

const failing = async (): Promise<void> => {
  throw new Error('the store takes nothing for a moment');
};

it('a report of desired state', async () => {
  const { database, desired, device, reports } = await desiredWorld();
  await desired.put(device, { interval: 30 }, { expected: null, by: 'key1' });
  reports(1, { interval: 30 });
  const save = database.saveDesired.bind(database);
  database.saveDesired = failing;
  await expect(desired.save()).rejects.toThrow('for a moment');
  database.saveDesired = save;
  await desired.save();
  const after = await desiredWorld(database);
  expect(after.desired.documents(after.device).reported).toMatchObject({ version: 1 });
});

it('what a device said of a command', async () => {
  const world = await commandWorld();
  const pump = await world.connect();
  const { id } = await world.ask();
  const save = world.database.saveCommands.bind(world.database);
  world.database.saveCommands = failing;
  await pump.answer(id, 'accepted');
  await expect(world.commands.save()).rejects.toThrow('for a moment');
  world.database.saveCommands = save;
  await world.commands.save();
  const [row] = await world.database.findCommands('acme', id);
  expect(row?.status).toBe('accepted');
});

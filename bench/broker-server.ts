/** The broker as a process of the benchmark, with its data in the folder given as argument; `default` after it: with its limits. */
import { startBuiltBroker } from './built-broker.ts';
import { serveMarks } from './server-marks.ts';

const [data, rates] = process.argv.slice(2);
serveMarks(
  startBuiltBroker(data as string, rates === 'default' ? 'default' : 'none').then(({ server }) => server),
);

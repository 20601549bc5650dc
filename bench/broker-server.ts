/** The broker as a process of the benchmark. Arguments: its data folder, and `default` for its default limits. */
import { startBuiltBroker } from './built-broker.ts';
import { serveMarks } from './server-marks.ts';

const [data, rates] = process.argv.slice(2);
serveMarks(
  startBuiltBroker(data as string, rates === 'default' ? 'default' : 'none').then(({ server }) => server),
);

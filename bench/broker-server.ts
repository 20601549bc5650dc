/** The broker as a process of the benchmark, with its data in the folder given as argument. */
import { startBuiltBroker } from './built-broker.ts';
import { serveMarks } from './server-marks.ts';

serveMarks(startBuiltBroker(process.argv[2] as string).then(({ server }) => server));

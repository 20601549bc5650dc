/** `docs/configuration.md`, made from the schema, so that it cannot say something else than the broker does. */
import { expectation, PLACES, type Place, SECTIONS } from '../../broker/config/config.ts';

const HEAD = `# Configuration

<!-- Made from schemas/config.ts. After a change there: npx vitest run --config test/vitest.config.ts config/ -u -->

\`signalbox serve\` needs no configuration at all. What it is told outweighs the defaults, in this order of rising weight:

1. a YAML file: \`signalbox serve --config signalbox.yaml\`
2. variables of the environment, named in the tables below; a list is separated by commas. With \`_FILE\` at its end
   (\`SIGNALBOX_LOG_LEVEL_FILE\`) a variable names a file that holds the value, as container secrets come.
3. flags: \`--data\`, \`--host\`, \`--port\`

\`signalbox check-config signalbox.yaml\` says whether it would be taken, and what it adds up to with the environment. Everything that
is wrong is named at once, with file, line and column. A setting that does not exist is an error.

\`\`\`yaml
server:
  port: 8443
  allowedOrigins: [https://fleet.example]
limits:
  connections: 50000
\`\`\`

Kubernetes sets variables for every service; call the service something else than \`signalbox-server\`, or set
\`enableServiceLinks: false\`, so that they are not taken for settings.

## \`data\`

The data folder: \`--data\`, else \`SIGNALBOX_DATA\`, else \`data\` in the file, else the first folder of systemd's
\`$STATE_DIRECTORY\`, else \`./data\`. A path that is not absolute starts where the process was started.
`;

export function configurationPage(): string {
  return [HEAD, ...SECTIONS.map(section)].join('\n');
}

function section(name: string): string {
  const rows = PLACES.filter(({ path }) => path[0] === name).map(row);
  return `## \`${name}\`\n\n| key | variable | default | |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

function row({ path, variable, property }: Place): string {
  const said = `${property.description} Takes ${expectation(property)}.`;
  return `| \`${path[1]}\` | \`${variable}\` | ${shown(property.default)} | ${said.replaceAll('|', '\\|')} |`;
}

function shown(value: unknown): string {
  return Array.isArray(value) && value.length === 0 ? 'none' : `\`${value}\``;
}

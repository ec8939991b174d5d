import { OTHER_FILES, TABLE, type Row, type Type } from './table/index.js';

const HEAD = `# Configuration files

What \`headgate -F folder\` makes of the files of a Janus installation: \`janus.jcfg\` and its neighbours in libconfig form, or
\`janus.cfg\` in the older INI form where there is no \`.jcfg\`. \`headgate -F folder --check\` says the same of your own files, each with
file and line, and starts nothing.

Numbers may stand in quotes, and booleans may be \`"yes"\`, \`"no"\`, \`"on"\`, \`"off"\`, \`1\` and \`0\` as well. A setting that is misspelt
is an error; one that is not known here has no effect and is named.

| Kind | Means |
| --- | --- |
| supported | it has the effect that it has in Janus |
| no use | nothing needs to be set here, for the reason that is given |
| not supported yet | it is checked, named in the log, and has no effect; what keeps people out is an error instead |
| deprecated | it works, but something else should be written |

This file is made from the table in \`lib/config/table/\` by \`npm run docs\`.
`;

const TYPES: Readonly<Record<Type & string, string>> = {
  text: 'text',
  boolean: 'boolean',
  integer: 'whole number',
  port: 'port',
  seconds: 'seconds',
  milliseconds: 'milliseconds',
  'port range': '"low-high"',
  list: '"a,b"',
  'event kinds': '"a,b"',
  URL: 'URL',
  groups: 'list of groups',
  any: '',
};

/** The text of docs/configuration.md. */
export function describeTable(): string {
  const files = [...new Set(TABLE.map(({ file }) => file))];
  const sections = files.map((file) => {
    const rows = TABLE.filter((row) => row.file === file).map(describeRow);
    return `\n## ${file}.jcfg\n\n| Setting | Value | Kind | Becomes, or why not |\n| --- | --- | --- | --- |\n${rows.join('')}`;
  });
  const others = OTHER_FILES.filter(({ file }) => !file.endsWith('*')).map(
    ({ file, what }) => `| \`${file}\` | ${what} |\n`,
  );
  return `${HEAD}${sections.join('')}
In \`janus.plugin.streaming\`, \`*\` is the name of a mountpoint. A mountpoint that needs what is not supported yet is named and left out.

## Files that have no effect yet

Their rooms, queues and the like are named in the log. Other plugins, transports, event handlers and loggers likewise.

| File | For |
| --- | --- |
${others.join('')}`;
}

function describeRow({ path, type, kind, to, note, min, max }: Row): string {
  const value = typeof type === 'string' ? TYPES[type] : type.map((choice) => `\`${choice}\``).join(', ');
  const bounds = max === undefined ? '' : `, ${String(min ?? 0)} to ${String(max)}`;
  const target = kind === 'supported' && to !== undefined && !path.startsWith('*.') ? `\`${to}\`` : '';
  const text = [target, note ?? ''].filter((part) => part !== '').join('; ');
  return `| \`${path}\` | ${value}${bounds} | ${kind} | ${text} |\n`;
}

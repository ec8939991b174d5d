import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { describeTable } from '../../../lib/config/documentation.js';
import { TABLE } from '../../../lib/config/table/index.js';

const DOCUMENT = fileURLToPath(new URL('../../../docs/configuration.md', import.meta.url));

t.test('the documentation says what the table says, no more and no less', async (t) => {
  t.equal(readFileSync(DOCUMENT, 'utf8'), describeTable(), 'npm run docs writes it anew');
});

t.test('rows are complete and there once', async (t) => {
  const keys = TABLE.map(({ file, path }) => `${file} ${path}`);
  t.same(
    keys.filter((key, index) => keys.indexOf(key) !== index),
    [],
  );
  for (const { path, kind, to, note } of TABLE) {
    if (kind === 'supported') t.ok(to, `${path} has an effect`);
    if (kind === 'no use' || kind === 'deprecated') t.ok(note, `${path} says why`);
  }
});

t.test("every setting of Debian's files is in the table", { skip: !existsSync('/etc/janus/janus.jcfg') }, async (t) => {
  const files = [...new Set(TABLE.map(({ file }) => file))];
  const missing: string[] = [];
  let count = 0;
  for (const name of readdirSync('/etc/janus')) {
    const file = files.find((known) => name === `${known}.jcfg`);
    if (file === undefined) continue;
    let group = '';
    for (const line of readFileSync(join('/etc/janus', name), 'utf8').split('\n')) {
      group = /^#?([\w-]+): \{/.exec(line)?.[1] ?? group;
      // Settings that are commented out, too, but no words of a sentence.
      const setting = /^[\t #]*(\w+) = ["\d(\[tf<]/.exec(line)?.[1];
      if (setting === undefined || setting === 'IMPORTANT' || group === '') continue;
      count += 1;
      const isMountpoint = file === 'janus.plugin.streaming' && group !== 'general';
      const paths = isMountpoint ? [`*.${setting}`, `*.media[].${setting}`] : [`${group}.${setting}`];
      if (!TABLE.some((row) => row.file === file && paths.includes(row.path)))
        missing.push(`${name}: ${group}.${setting}`);
    }
  }
  t.same(missing, []);
  t.ok(count > 200, String(count));
});

import t from 'tap';
import { UsageError } from '../../../lib/errors.js';
import { iniEditor, parseIni } from '../../../lib/config/ini.js';
import type { Document } from '../../../lib/config/tree.js';
import { randomOf } from '../../support/random.js';
import { spoil } from './spoil.js';

const SAMPLE = `; the old form
[general]
;admin_key = none
admin_key = se\\;cret   ; for administrators
# here too

[gstreamer-sample]
type = rtp
id = 1
audiortpmap = opus/48000/2
videofmtp = profile-level-id=42e01f\\;packetization-mode=1
description = "in quotes"
`;

function valuesOf({ settings }: Document): Record<string, unknown> {
  const plain = (list: Document['settings']): Record<string, unknown> =>
    Object.fromEntries(
      list.map(({ name, value }) => [
        name,
        value.kind === 'group' ? plain(value.settings) : 'value' in value && value.value,
      ]),
    );
  return plain(settings);
}
const read = (text: string): Record<string, unknown> => valuesOf(parseIni('a.cfg', text));

t.test('sections, values, comments and escapes are read', async (t) => {
  t.same(read(SAMPLE), {
    general: { admin_key: 'se;cret' },
    'gstreamer-sample': {
      type: 'rtp',
      id: '1',
      audiortpmap: 'opus/48000/2',
      videofmtp: 'profile-level-id=42e01f;packetization-mode=1',
      description: 'in quotes',
    },
  });
  t.same(read('a=1\r\n[ b ] ; c\r\n d => e f \r\n'), { a: '1', b: { d: 'e f' } });
  t.same(parseIni('a.cfg', '[a]\n  b = c').settings[0]?.value, {
    kind: 'group',
    settings: [
      {
        name: 'b',
        at: { file: 'a.cfg', line: 2, column: 3 },
        span: { start: 10, end: 11 },
        whole: { start: 6, end: 11 },
        value: { kind: 'string', value: 'c' },
      },
    ],
  });
});

for (const [text, where, says] of [
  ['[a]\nnothing', 'a.cfg:2:1', /name = value/],
  ['[a\nb = 1', 'a.cfg:1:1', /\[name\]/],
  ['[]', 'a.cfg:1:1', /\[name\]/],
  ['[a]\n = 1', 'a.cfg:2:2', /name before/],
  ['[a]\nb = 1\nb = 2', 'a.cfg:3:1', /already, in line 2/],
  ['[a]\n[b]\n[a]', 'a.cfg:3:1', /already, in line 1/],
] as const) {
  t.test(`a mistake has its place and a remedy: ${JSON.stringify(text)}`, async (t) => {
    t.throws(() => read(text), { code: 'HG_ERR_CONFIG', message: says });
    t.throws(() => read(text), { message: new RegExp(`^${where}: `) });
  });
}

t.test('whatever is put in, a document or an error with a place comes out', async (t) => {
  const random = randomOf(Number(process.env['HEADGATE_TEST_SEED'] ?? 7));
  const rounds = Number(process.env['HEADGATE_TEST_SPOILED'] ?? 20_000);
  for (let i = 0; i < rounds; ++i) {
    const text = spoil(SAMPLE, random, '[]=;#\\\n\r "\0é');
    try {
      parseIni('a.cfg', text);
    } catch (error) {
      if (!(error instanceof UsageError) || !/^a.cfg:\d+:\d+: /.test(error.message)) {
        t.fail(`${JSON.stringify(text)}: ${String(error)}`);
        break;
      }
    }
  }
  // A square law would take minutes at this length.
  read(Array.from({ length: 300_000 }, (_, i) => `k${String(i)} = ${'\\;'.repeat(3)}`).join('\n'));
  read(`a = ${'b '.repeat(500_000)}`);
});

t.test('sections are added, replaced, changed and removed; comments stay', async (t) => {
  const document = parseIni('a.cfg', SAMPLE);

  t.equal(
    iniEditor.putGroup(document, 'new', { id: 7, video: true, fmtp: 'a;b' }),
    `${SAMPLE}\n[new]\nid = 7\nvideo = yes\nfmtp = a\\;b\n`,
  );
  t.equal(
    iniEditor.changeGroup(document, 'general', { admin_key: 'x', events: false }),
    SAMPLE.replace('se\\;cret', 'x').replace('istrators\n', 'istrators\nevents = no\n'),
  );
  t.equal(iniEditor.changeGroup(document, 'gstreamer-sample', { id: undefined }), SAMPLE.replace('id = 1\n', ''));
  t.equal(
    iniEditor.removeGroup(document, 'general'),
    SAMPLE.replace('[general]\n', '').replace(/admin_key = se.*\n/, ''),
  );
  t.same(read(iniEditor.putGroup(document, 'general', { a: 1 }))['general'], { a: '1' });
  t.equal(iniEditor.removeGroup(document, 'nobody'), SAMPLE);
});

t.test('what the format cannot hold is refused', async (t) => {
  const document = parseIni('a.cfg', SAMPLE);

  for (const value of ['a\nb', ' a', '"a"', 'a\\']) {
    t.throws(() => iniEditor.putGroup(document, 'new', { value }), /cannot be written in this old format/, value);
  }
  t.throws(() => iniEditor.putGroup(document, 'new', { media: [{ a: 1 }] }), /\.jcfg/);
  t.throws(() => iniEditor.putGroup(document, 'a]b', {}), /name of a section/);
  t.throws(() => iniEditor.changeGroup(document, 'nobody', {}), /no section/);
});

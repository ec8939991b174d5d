import t from 'tap';
import { UsageError } from '../../../lib/errors.js';
import { libconfigEditor, parseLibconfig } from '../../../lib/config/libconfig.js';
import type { Document, Item, Scalar } from '../../../lib/config/tree.js';
import { randomOf } from '../../support/random.js';
import { spoil } from './spoil.js';

/** The values alone. */
function plain({ value }: Pick<Item, 'value'>): unknown {
  if ('settings' in value) return Object.fromEntries(value.settings.map((setting) => [setting.name, plain(setting)]));
  return 'items' in value ? value.items.map(plain) : value.value;
}
const valuesOf = ({ settings }: Document): unknown => plain({ value: { kind: 'group', settings } });
const read = (text: string): unknown => valuesOf(parseLibconfig('a.jcfg', text));

const SAMPLE = `# The whole syntax.
general: {
	text = "a \\"quoted\\" \\x41\\n" /* two */ " parts"   // joined
	hex = 0x1F; big = 5000000000L, negative = -3
	pi = 3.5e1
	yes = TRUE no = false;
	empty = { }
}
list = ( 1, "two", ( 3, ), { four = 4 } )
array : [ "a", "b" ]
`;

t.test('the whole syntax is read', async (t) => {
  t.same(read(SAMPLE), {
    general: {
      text: 'a "quoted" A\n parts',
      hex: 31,
      big: 5_000_000_000,
      negative: -3,
      pi: 35,
      yes: true,
      no: false,
      empty: {},
    },
    list: [1, 'two', [3], { four: 4 }],
    array: ['a', 'b'],
  });
  t.same(read(''), {});
  t.same(read('// nothing\n/* at\nall */ # here'), {});
});

t.test('each setting knows its place, also in an included file', async (t) => {
  const document = parseLibconfig('/etc/x/a.jcfg', 'a = 1\n@include "b.jcfg"\n  c: { d = 2 }\n', (path) => {
    t.equal(path, '/etc/x/b.jcfg');
    return '\nb = "included"';
  });

  t.same(
    document.settings.map(({ name, at }) => [name, at]),
    [
      ['a', { file: '/etc/x/a.jcfg', line: 1, column: 1 }],
      ['b', { file: '/etc/x/b.jcfg', line: 2, column: 1 }],
      ['c', { file: '/etc/x/a.jcfg', line: 3, column: 3 }],
    ],
  );
});

const MISTAKES: readonly (readonly [text: string, where: string, says: RegExp])[] = [
  ['a = 1\nb = eth0', 'a.jcfg:2:5', /needs quotes: "eth0"/],
  ['a = /etc/ssl/key.pem', 'a.jcfg:1:5', /needs quotes: "\/etc\/ssl\/key.pem"/],
  ['ip = 192.168.0.1', 'a.jcfg:1:6', /needs quotes: "192.168.0.1"/],
  ['a = "open\n', 'a.jcfg:1:5', /second " is missing/],
  ['a 1', 'a.jcfg:1:3', /"=" after "a"/],
  ['g: {\n a = 1\n', 'a.jcfg:3:1', /the file ends, but the group that begins in line 1 does not: "}" is missing/],
  ['a = 1\n\na = 2', 'a.jcfg:3:1', /already, in line 1/],
  ['a = [ 1, "b" ]', 'a.jcfg:1:10', /one kind/],
  ['a = ( 1 2 )', 'a.jcfg:1:9', /"," or "\)"/],
  ['a = 99999999999999999999', 'a.jcfg:1:5', /too large/],
  ['/* open', 'a.jcfg:1:1', /does not end/],
  ['}', 'a.jcfg:1:1', /one "}" too many/],
  ['@include "b"', 'a.jcfg:1:1', /may not include/],
  ['@incude "b"', 'a.jcfg:1:1', /@include "file"/],
  [`a = ${'('.repeat(1000)}`, 'a.jcfg:1:69', /64 levels/],
  [`${'a: {'.repeat(1000)}`, 'a.jcfg:1:260', /64 levels/],
];
for (const [text, where, says] of MISTAKES) {
  t.test(`a mistake has its place and a remedy: ${text.slice(0, 30)}`, async (t) => {
    try {
      read(text);
      t.fail('it was read');
    } catch (error) {
      t.ok(error instanceof UsageError && error.code === 'HG_ERR_CONFIG', String(error));
      t.match((error as Error).message, says);
      t.equal((error as Error).message.split(': ')[0], where);
    }
  });
}

t.test('files that include each other end, wherever they begin', async (t) => {
  t.throws(() => parseLibconfig('/a', '@include "a"', () => '@include "a"'), /is there a circle/);
  const twice = '@include "a"\n@include "a"\n';
  let count = 0;
  t.throws(() => parseLibconfig('/a', twice, () => (++count > 200 ? '' : twice)), /is there a circle/);
  t.ok(count <= 100);
  t.throws(
    () =>
      parseLibconfig('/a', '@include "none"', () => {
        throw new Error('no such file');
      }),
    /\/none cannot be read: no such file/,
  );
});

t.test('whatever is put in, a document or an error with a place comes out', async (t) => {
  const random = randomOf(Number(process.env['HEADGATE_TEST_SEED'] ?? 7));
  const rounds = Number(process.env['HEADGATE_TEST_SPOILED'] ?? 20_000);
  let good = 0;
  for (let i = 0; i < rounds; ++i) {
    const text = spoil(SAMPLE, random, '{}()[]=:;,"\\#/*@-.0xL\n\0é');
    try {
      parseLibconfig('a.jcfg', text, () => 'z = 1');
      good += 1;
    } catch (error) {
      if (!(error instanceof UsageError) || !/^[^:]+:\d+:\d+: /.test(error.message)) {
        t.fail(`${JSON.stringify(text)}: ${String(error)}`);
        break;
      }
    }
  }
  t.ok(good > rounds / 100 && good < rounds, `${String(good)} of ${String(rounds)} were read`);
});

t.test('a long text takes time in proportion to its length', async (t) => {
  const texts = [
    (n: number) => 'a'.repeat(n),
    (n: number) => `a = (${'1,'.repeat(n)})`,
    (n: number) => `a = ${'"b" '.repeat(n)}`,
    (n: number) => `a = "${'\\n'.repeat(n)}"`,
    (n: number) => '/* */ '.repeat(n),
    (n: number) => Array.from({ length: n }, (_, i) => `k${String(i)} = 1`).join(' '),
    (n: number) => '/*'.repeat(n),
  ];
  for (const [index, make] of texts.entries()) {
    // A square law would take minutes at this length.
    try {
      read(make(300_000));
    } catch (error) {
      t.ok(error instanceof UsageError, String(index));
    }
  }
});

// ---- the editor ---------------------------------------------------------------------

const FOLDER = `# keep me
general: {
	admin_key = "x"  # and me
}

# about the first
first: {
	id = 1   # one
	description = "One";	// text
	secret = "s"
}
second: { id = 2 }
`;
const edited = (text: string): unknown => read(text);

t.test('a group is added behind all others', async (t) => {
  const text = libconfigEditor.putGroup(parseLibconfig('a', FOLDER), 'third', {
    type: 'rtp',
    id: 2 ** 40,
    description: 'a "b" \\ \n\x01 ü',
    media: [
      { mid: 'a', port: 5002 },
      { mid: 'v', port: 5004 },
    ],
  });

  t.ok(text.startsWith(FOLDER), 'all else is as it was');
  t.match(edited(text), {
    third: {
      type: 'rtp',
      id: 2 ** 40,
      description: 'a "b" \\ \n\x01 ü',
      media: [
        { mid: 'a', port: 5002 },
        { mid: 'v', port: 5004 },
      ],
    },
  });
});

t.test('a group is put in the place of another', async (t) => {
  const text = libconfigEditor.putGroup(parseLibconfig('a', FOLDER), 'second', { id: 3 });

  t.equal(text, FOLDER.replace('second: { id = 2 }', 'second: {\n\tid = 3\n}'));
});

t.test('a group is taken out, and no more', async (t) => {
  const document = parseLibconfig('a', FOLDER);

  t.equal(libconfigEditor.removeGroup(document, 'second'), FOLDER.replace('second: { id = 2 }\n', ''));
  const start = FOLDER.indexOf('first: {');
  t.equal(
    libconfigEditor.removeGroup(document, 'first'),
    FOLDER.slice(0, start) + FOLDER.slice(FOLDER.indexOf('second')),
  );
  t.equal(libconfigEditor.removeGroup(document, 'nobody'), FOLDER);
});

t.test('settings are changed, added and taken out where they stand', async (t) => {
  const text = libconfigEditor.changeGroup(parseLibconfig('a', FOLDER), 'first', {
    description: 'Two',
    secret: undefined,
    pin: '1',
  });

  t.equal(text, FOLDER.replace('"One"', '"Two"').replace('\tsecret = "s"\n', '\tpin = "1"\n'));
  t.match(edited(libconfigEditor.changeGroup(parseLibconfig('a', FOLDER), 'second', { id: undefined, pin: 'q' })), {
    second: { pin: 'q' },
  });
});

t.test('what cannot be written is refused', async (t) => {
  const document = parseLibconfig('/x/a', '@include "b"', () => 'g: { a = 1 }');

  t.throws(() => libconfigEditor.putGroup(document, 'my camera', {}), /cannot be the name/);
  t.throws(() => libconfigEditor.removeGroup(document, 'g'), /file that is included/);
  t.throws(() => libconfigEditor.changeGroup(document, 'h', { a: 1 }), /no group "h"/);
});

t.test('what the editor did reads as it was meant, on spoiled texts too', async (t) => {
  const random = randomOf(11);
  const texts: Scalar[] = ['', 'x;y', '\\', '"', 'a\nb', 1, -(2 ** 40), true];
  for (let i = 0; i < 3000; ++i) {
    const spoiled = spoil(FOLDER, random, '{}\n\t ;"#');
    let document: Document;
    try {
      document = parseLibconfig('a', spoiled);
    } catch {
      continue;
    }
    const before = valuesOf(document) as Record<string, Record<string, unknown>>;
    const value = texts[i % texts.length] ?? '';
    const group = document.settings.find((setting) => setting.value.kind === 'group');
    if (group === undefined) continue;
    const added = read(libconfigEditor.putGroup(document, 'new', { value }));
    const changed = read(libconfigEditor.changeGroup(document, group.name, { new: value, id: undefined }));
    const removed = read(libconfigEditor.removeGroup(document, group.name));
    const { id: _id, ...rest } = before[group.name] ?? {};
    const { [group.name]: _group, ...others } = before;

    t.strictSame(
      [added, changed, removed],
      [{ ...before, new: { value } }, { ...before, [group.name]: { ...rest, new: value } }, others],
    );
    if (!t.passing()) {
      t.comment(spoiled);
      break;
    }
  }
});

import t from 'tap';
import { readMjr } from '../../../lib/routing/mjr.js';

function uint(value: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}

const INFO = '{"t":"a","c":"opus","s":1,"u":2}';
const head = Buffer.concat([Buffer.from('MJR00002'), uint(INFO.length, 2), Buffer.from(INFO)]);
const record = (ms: number, text: string): Buffer =>
  Buffer.concat([Buffer.from('MEET'), uint(ms, 4), uint(text.length, 2), Buffer.from(text)]);
const file = Buffer.concat([head, record(0, 'one'), record(0x80000001, ''), record(40, 'three')]);

const shown = (bytes: Uint8Array) => {
  const { info, records, cut } = readMjr(bytes);
  return [info?.c, records.map(({ ms, bytes }) => `${String(ms)} ${Buffer.from(bytes).toString()}`), cut];
};

t.test('a recording is its info and its records', async (t) => {
  t.same(shown(file), ['opus', ['0 one', '2147483649 ', '40 three'], 0]);
  t.same(readMjr(file).info, { t: 'a', c: 'opus', s: 1, u: 2 });
});

t.test('a view of a larger buffer will do', async (t) => {
  const larger = Buffer.concat([Buffer.from('xx'), file, Buffer.from('yy')]);

  t.same(shown(larger.subarray(2, -2)), shown(file));
});

t.test('wherever a file was cut, its whole records are read', async (t) => {
  const ends = [head.length, head.length + 13, head.length + 23, file.length];
  for (let size = 8; size <= file.length; ++size) {
    const { info, records, cut } = readMjr(file.subarray(0, size));

    const whole = ends.filter((end) => end <= size);
    t.equal(info === undefined, size < head.length);
    t.equal(records.length, Math.max(0, whole.length - 1), `${String(size)} bytes`);
    t.equal(cut, size - (whole.at(-1) ?? 8));
  }
});

t.test('what is no recording, or is damaged, is refused', async (t) => {
  const broken = Buffer.from(file);
  broken.write('MEEP', head.length + 13);
  const noJson = Buffer.from(file);
  noJson.write('[', 10);

  for (const bytes of [Buffer.alloc(0), Buffer.from('MJR0000'), Buffer.from('MJR00001xxxx'), broken, noJson]) {
    t.throws(() => readMjr(bytes), { code: 'HG_ERR_FILE' });
  }
});

/** What the fuzzers begin with, and what they found: each input whole, cut, and with bits turned over. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { randomOf } from '../../support/random.js';
import { corpusOf, fuzzers } from './corpus.mjs';

const CUTS = 64;
const FLIPS = 64;

t.test('there are fuzzers', async (t) => {
  t.ok(fuzzers.length >= 2, fuzzers.join(', '));
});

for (const name of fuzzers) {
  t.test(`the corpus of ${name} is played`, async (t) => {
    const { fuzz } = (await import(`./${name}.js`)) as { fuzz: (input: Uint8Array) => void };
    const random = randomOf(1);
    const files = readdirSync(corpusOf(name));
    for (const file of files) {
      const whole = readFileSync(join(corpusOf(name), file));
      const variants = [whole];
      for (let cut = 0; cut < CUTS; ++cut) {
        variants.push(whole.subarray(0, Math.floor((whole.length * cut) / CUTS)));
      }
      for (let flip = 0; flip < FLIPS && whole.length > 0; ++flip) {
        const turned = Buffer.from(whole);
        const at = random(turned.length);
        turned.writeUInt8(turned.readUInt8(at) ^ (1 << random(8)), at);
        variants.push(turned);
      }
      t.doesNotThrow(() => {
        variants.forEach(fuzz);
      }, file);
    }
    t.ok(files.length > 0);
  });
}

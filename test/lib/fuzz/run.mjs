#!/usr/bin/env node
// Runs libFuzzer over a parser in TypeScript.
//
//   node test/lib/fuzz/run.mjs sdp_fuzz [libFuzzer's arguments]
//
// Needs clang, and the driver: `node native/build.mjs --preset fuzz --target js_fuzz_driver`.
// It begins with the corpus and with what it came upon before, which is kept in build/fuzz/corpus.
// An input that found a bug belongs into the corpus: every test run plays it.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { listFiles, root } from '../../../.ci/files.mjs';
import { corpusOf, fuzzers } from './corpus.mjs';
import { COUNTERS, copyOf, Instrumenter } from './instrument.mjs';

const [name = '', ...args] = process.argv.slice(2);
if (!fuzzers.includes(name)) {
  console.error(`the first argument is one of ${fuzzers.join(', ')}`);
  process.exit(2);
}
// What is counted: the parsers, and the library that takes descriptions apart.
const library = 'node_modules/sdp-transform';
const isParser = (path) => /^lib\/(config|peer\/sdp|peer\/codecs)\//.test(path) || path.startsWith(library);
const out = join(root, 'build/fuzz/js', name);
rmSync(out, { recursive: true, force: true });
const instrumenter = new Instrumenter();
const own = listFiles(['lib', 'test/lib', 'test/support'], /(?<!\.d|\.test)\.ts$/);
for (const path of [...own, ...listFiles([`${library}/lib`], /\.js$/)]) {
  instrumenter.file(join(root, path), copyOf(out, path), isParser(path));
}
copyFileSync(join(root, library, 'package.json'), join(out, library, 'package.json'));
const dictionary = join(out, 'dictionary.txt');
instrumenter.dictionary(dictionary);

const counters = Buffer.alloc(instrumenter.counters);
globalThis[COUNTERS] = counters;
const { fuzz: target } = await import(pathToFileURL(copyOf(out, `test/lib/fuzz/${name}.ts`)).href);
const { fuzz } = createRequire(import.meta.url)(join(root, 'build/fuzz/js_fuzz_driver.node'));
// The engine writes to the first folder.
const found = join(root, 'build/fuzz/corpus', name);
mkdirSync(found, { recursive: true });
fuzz([`-dict=${dictionary}`, ...args, found, corpusOf(name)], counters, target);

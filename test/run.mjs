#!/usr/bin/env node
// Runs the checks and tests and ends with one line, `N passed, N failed`.
//
//   node test/run.mjs                          all but asan, tsan and soak
//   node test/run.mjs --only lint|native|ts|api|browser|asan|tsan|soak   (may be given more than once)
//   node test/run.mjs --only ts test/lib/errors.test.ts         only these files
//   node test/run.mjs --asan-e2e|--tsan-e2e    test/**/end-to-end*.test.ts, or the files named, on the
//                                              addon that the sanitizer built
//
// lint      formatting, eslint, the layers' arrows, types of lib/ and test/, clang-tidy
// native    test/native, by ctest            asan   the same under ASan and UBSan
//                                            tsan   the same under TSan, one at a time
// ts        test/lib and test/*.test.ts, by tap
// api       test/api: whole gateways and their clients
// browser   test/browser, in a network namespace of its own (as root)
// soak      the fuzzers of test/native/fuzz and test/lib/fuzz, a minute each, those of
//           parsers four; three minutes of spoiled session descriptions, four of spoiled
//           configuration folders, 2,000 viewers that come and go, a recording of 10 minutes,
//           and cases that browser tests leave out
//
// What fails is run once more, by itself, and reported as such, unless it crashed or a
// sanitizer spoke: media tests run in real time, and machines stand still at times.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, createWriteStream } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { listFiles, root } from '../.ci/files.mjs';
import { fuzzers as scriptFuzzers } from './lib/fuzz/corpus.mjs';
import { inNamespace, whyNoNamespace } from './support/namespace.mjs';

const node = process.execPath;
const bin = (path) => join('node_modules', path);
const results = join(root, 'build/test-results');
const started = performance.now();
const total = { passed: 0, failed: 0, skipped: 0, repeated: 0 };
/** What failed and what it said, a text each: printed once more at the end, where it is looked for. */
const failures = [];

function heading(text) {
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(`\n== ${text} (at ${seconds} s)`);
}

function count({ passed = 0, failed = 0, skipped = 0, repeated = 0 }) {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  total.repeated += repeated;
}

/** Tests in real time fail on a machine that stands still for a moment; a crash is never a matter of time. */
const mayBeRepeated = (texts) =>
  !/Sanitizer|runtime error|\bSIG(SEGV|ABRT|BUS|ILL|FPE)\b|SegFault|Assertion/.test(texts.join('\n'));

/** Of two runs, the second one of what failed in the first. */
function countBoth(first, second) {
  const failed = Math.min(second.failed, first.failed);
  const repeated = first.failed - failed;
  count({ passed: first.passed + repeated, failed, skipped: first.skipped, repeated });
}

/** A failure that no test reports. */
function fail(text) {
  console.error(`FAILED: ${text}`);
  failures.push(text);
  count({ failed: 1 });
}

const unescapeXml = (text) =>
  text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name) => ({ lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' })[name]);

/** A step that counts only when it fails. */
function check(name, program, args) {
  heading(name);
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(`${program}: ${error.message}`);
  if (status === 0) return true;
  fail(name);
  return false;
}

async function forEachLine(child, onLine) {
  const closed = new Promise((done) => child.on('close', done).on('error', () => done(-1)));
  for await (const line of createInterface({ input: child.stdout })) onLine(line);
  return closed;
}

// ---- the categories ---------------------------------------------------------

function lint() {
  check('format and eslint', node, ['.ci/format.mjs', '--check']);
  check('layers', node, ['.ci/layers.mjs']);
  check('types of lib/ and test/', node, [bin('typescript/bin/tsc'), '--project', 'test']);
  if (check('configure', node, ['native/build.mjs', '--preset', 'test', '--target', 'hg_test_main'])) {
    check('clang-tidy', node, ['.ci/tidy.mjs']);
  }
}

/** Runs ctest; returns what its report counts, and what failed with what it printed. */
async function ctestOnce(name, args, env) {
  mkdirSync(results, { recursive: true });
  const report = join(results, `${name}.xml`);
  rmSync(report, { force: true });
  const all = [...args, '--output-on-failure', '--no-tests=ignore', '--output-junit', report];
  const child = spawn('ctest', all, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const status = await forEachLine(child, (line) => {
    if (!/^\s*Start\s+\d+:|^\s*\d+\/\d+ Test\s.*\sPassed\s|^Internal ctest|^\s*$/.test(line)) console.log(line);
  });
  const suite = existsSync(report) ? readFileSync(report, 'utf8') : '';
  const number = (key) => Number(new RegExp(`<testsuite\\b[^>]*\\b${key}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const [tests, failed, skipped] = [number('tests'), number('failures'), number('skipped') + number('disabled')];
  const texts = [];
  for (const [, test, body] of suite.matchAll(/<testcase name="([^"]*)"[^>]*status="fail"[^>]*>(.*?)<\/testcase>/gs)) {
    const output = /<system-out>(.*?)<\/system-out>/s.exec(body)?.[1] ?? '';
    texts.push(`${name}: ${unescapeXml(`${test}\n${output.trim()}`)}`);
  }
  failures.push(...texts);
  if (status !== 0 && failed === 0) fail(`ctest ended with status ${status}`);
  return { passed: tests - failed - skipped, failed, skipped, texts };
}

async function ctest(preset, environment = {}, jobs = availableParallelism()) {
  if (!check(`build of the native tests (${preset})`, node, ['native/build.mjs', '--preset', preset])) return;

  heading(`native tests (${preset})`);
  const env = { ...process.env, ...environment };
  const args = ['--test-dir', `build/${preset}`];
  const first = await ctestOnce(`native-${preset}`, [...args, '--parallel', String(jobs)], env);
  if (first.failed === 0 || !mayBeRepeated(first.texts)) return count(first);

  heading(`native tests (${preset}): what failed, once more`);
  countBoth(first, await ctestOnce(`native-${preset}-again`, [...args, '--rerun-failed'], env));
}

async function tap(name, files, options) {
  if (files.length === 0) {
    heading(`${name}: no tests yet`);
    return;
  }
  heading(`${name}: ${files.length} files`);
  const first = await tapOnce(name, files, options);
  if (first.failed === 0 || first.failedFiles.length === 0 || !mayBeRepeated(first.texts)) return count(first);

  heading(`${name}: what failed, once more`);
  countBoth(first, await tapOnce(`${name} again`, first.failedFiles, { ...options, jobs: 1 }));
}

/** Runs tap; returns what it counts, the files that failed and what was said. */
async function tapOnce(name, files, { timeout, jobs, environment = {}, wrapper = [] }) {
  mkdirSync(results, { recursive: true });
  const raw = createWriteStream(join(results, `${name.replace(/\W+/g, '-')}.tap`));
  const flags = [
    '--reporter=tap',
    '--disable-coverage',
    '--allow-empty-coverage',
    `--timeout=${timeout}`,
    `--jobs=${jobs}`,
  ];
  const [program, ...args] = [...wrapper, node, bin('tap/dist/esm/run.mjs'), 'run', ...flags, ...files];
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let summary;
  let isDetail = false;
  const said = [];
  const failedFiles = [];
  const show = (line, isFailure) => {
    console.log(line);
    if (isFailure) said.push(line);
  };
  const status = await forEachLine(child, (line) => {
    raw.write(`${line}\n`);
    const [, indent, not, text] = /^(\s*)(not )?ok \d+(?: - )?(.*)$/.exec(line) ?? [];
    if (/^# \{ total: /.test(line)) summary = line;
    else if (text !== undefined && /# (SKIP|TODO)\b/i.test(text))
      console.log(`  skipped: ${text.replace(/# SKIP/i, '-')}`);
    else if (not || (text !== undefined && indent === ''))
      show(`${indent}${not ? 'NOT OK' : 'ok'} ${text}`, Boolean(not));
    if (not && indent === '') failedFiles.push(...files.filter((file) => text.startsWith(`${file} `)));
    // What follows a failure: the block that tells where and what. A file's own
    // block only repeats how it was called.
    if (text !== undefined) isDetail = Boolean(not) && (indent !== '' || /timeout|signal/i.test(text));
    else if (isDetail && line.trim()) show(line, true);
    if (line.trim() === '...') isDetail = false;
  });
  raw.end();
  if (said.length > 0) failures.push([`${name}:`, ...said].join('\n'));
  const number = (key) => Number(new RegExp(`\\b${key}: (\\d+)`).exec(summary ?? '')?.[1] ?? 0);
  const failed = number('fail');
  if (status !== 0 && failed === 0) fail(`${name}: tap ended with status ${status}`);
  return { passed: number('pass'), failed, skipped: number('skip') + number('todo'), failedFiles, texts: said };
}

// What a stranger's bytes come to first.
const PARSERS = ['rtp_fuzz', 'rtcp_fuzz', 'extensions_fuzz', 'dcep_fuzz', 'sdp_fuzz', 'config_fuzz'];

/** Each fuzzer, from its corpus here and what it found before, which is kept in build/fuzz/corpus. */
function fuzz() {
  if (spawnSync('clang++', ['--version']).status !== 0) {
    console.log('  skipped: fuzzers - clang is not installed');
    return count({ skipped: 1 });
  }
  mkdirSync(results, { recursive: true });
  if (!check('fuzzers', node, ['native/build.mjs', '--preset', 'fuzz'])) return;
  const run = (name, program, ...args) => {
    const seconds = PARSERS.includes(name) ? 240 : 60;
    const limits = [`-max_total_time=${seconds}`, '-timeout=20', '-max_len=4096', `-artifact_prefix=${results}/`];
    const quiet = ['-verbosity=0', '-print_funcs=0', '-print_final_stats=1'];
    if (check(name, program, [...args, ...limits, ...quiet])) count({ passed: 1 });
  };
  for (const file of listFiles(['test/native/fuzz'], /_fuzz\.cc$/)) {
    const name = basename(file, '.cc');
    const found = join(root, 'build/fuzz/corpus', name);
    mkdirSync(found, { recursive: true });
    run(name, join(root, 'build/fuzz', name), found, join(root, 'test/native/fuzz/corpus', name));
  }
  for (const name of scriptFuzzers) run(name, node, 'test/lib/fuzz/run.mjs', name);
}

// detect_stack_use_after_return stays off: its stack frames do not keep an
// alignment above 64, which base/mailbox.h asks for.
const sanitizers = {
  ASAN_OPTIONS: 'detect_leaks=1:strict_string_checks=1',
  UBSAN_OPTIONS: 'print_stacktrace=1',
};

/** Sources and viewers in processes of their own, which tests in test/ start. */
function buildPrograms() {
  const args = ['native/build.mjs', '--preset', 'test'];
  return check('programs that tests start', node, [
    ...args,
    '--target',
    'load_client',
    '--target',
    'feeder',
    '--target',
    'publish_client',
  ]);
}

/** A gateway in node, which is not instrumented, with the addon that `preset` (asan, tsan) builds. */
async function endToEnd(preset, environment) {
  if (!buildPrograms()) return;
  const gcc = spawnSync('gcc', [`-print-file-name=lib${preset}.so`], { encoding: 'utf8' });
  const built = spawnSync(node, ['native/build.mjs', '--preset', preset, '--target', 'headgate'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (gcc.status !== 0 || built.status !== 0) {
    return fail(`there is no addon under ${preset}`);
  }
  await tap(`end to end under ${preset}`, positionals.length > 0 ? positionals : testFiles.filter(isEndToEnd), {
    timeout: 300,
    jobs: 1,
    environment: { HEADGATE_PREBUILD: join(root, 'build', preset), ...environment },
    wrapper: [...(preset === 'tsan' ? withoutRandomAddresses() : []), 'env', `LD_PRELOAD=${gcc.stdout.trim()}`],
  });
}

/** TSan of older compilers ends with "unexpected memory mapping" where a kernel spreads addresses wide. */
function withoutRandomAddresses() {
  const wrapper = ['setarch', '-R'];
  return spawnSync(wrapper[0], [...wrapper.slice(1), 'true']).status === 0 ? wrapper : [];
}

/** What to put in front of a command to run it in a network namespace of its own, and before others. */
function ownNamespace() {
  const why = whyNoNamespace();
  if (why !== undefined) {
    console.log(`no network namespace (${why}): in that of this machine, and without the tests that lose packets`);
    return [];
  }
  return ['nice', '-n', '-10', ...inNamespace];
}

const testFiles = listFiles(['test'], /\.test\.ts$/);
const isEndToEnd = (path) => /\/end-to-end[\w-]*\.test\.ts$/.test(path);
const isBrowser = (path) => path.startsWith('test/browser/');
const isApi = (path) => path.startsWith('test/api/');
// Those that have a long form.
const hasMoreCases = (path) => ['test/browser/loss.test.ts', 'test/browser/svc.test.ts'].includes(path);
const isSoak = (path) =>
  [
    'test/api/lifecycle.test.ts',
    'test/api/recorder.test.ts',
    'test/lib/config/spoiled.test.ts',
    'test/lib/peer/sdp/mutations.test.ts',
    'test/lib/signalling/random.test.ts',
  ].includes(path);

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', multiple: true },
    'asan-e2e': { type: 'boolean' },
    'tsan-e2e': { type: 'boolean' },
  },
});
const isWanted = (path) => positionals.length === 0 || positionals.includes(path);
const categories = {
  lint,
  native: () => ctest('test'),
  ts: async () => {
    check('compile lib/', node, [bin('typescript/bin/tsc')]);
    buildPrograms();
    const files = testFiles.filter((path) => !isBrowser(path) && !isApi(path) && isWanted(path));
    await tap('tests of lib/', files, { timeout: 120, jobs: availableParallelism() });
  },
  // One at a time, here and with the browsers: media tests need the processors for themselves.
  api: () => tap('gateways and their clients', testFiles.filter(isApi).filter(isWanted), { timeout: 300, jobs: 1 }),
  browser: () =>
    tap('browser tests', testFiles.filter(isBrowser).filter(isWanted), {
      timeout: 300,
      jobs: 1,
      wrapper: ownNamespace(),
    }),
  asan: () => ctest('asan', sanitizers),
  // Everything takes many times as long: tests in real time need the processors for themselves.
  tsan: () => ctest('tsan', { TSAN_OPTIONS: 'second_deadlock_stack=1' }, 1),
  soak: async () => {
    fuzz();
    await tap('long tests', testFiles.filter(isSoak).filter(isWanted), {
      timeout: 7200,
      jobs: 1,
      environment: {
        HEADGATE_TEST_CYCLES: '2000',
        HEADGATE_TEST_MESSAGES: '340000',
        HEADGATE_TEST_RECORD_SECONDS: '600',
        HEADGATE_TEST_SDP_MINUTES: '3',
        HEADGATE_TEST_TIMES: '20',
        HEADGATE_TEST_CONFIG_MINUTES: '4',
      },
    });
    await tap('browser tests with all their cases', testFiles.filter(hasMoreCases).filter(isWanted), {
      timeout: 600,
      jobs: 1,
      wrapper: ownNamespace(),
      environment: { HEADGATE_TEST_ALL_CASES: '1' },
    });
  },
};
const isEndToEndOnly = options['asan-e2e'] || options['tsan-e2e'];
const wanted = options.only ?? (isEndToEndOnly ? [] : ['lint', 'native', 'ts', 'api', 'browser']);
for (const name of wanted) {
  if (!Object.hasOwn(categories, name)) {
    console.error(`--only takes one of ${Object.keys(categories).join(', ')}`);
    process.exit(2);
  }
}
for (const name of wanted) await categories[name]();
// node itself does not free everything at its end.
if (options['asan-e2e']) await endToEnd('asan', { ASAN_OPTIONS: 'detect_leaks=0' });
// And what it does by itself is none of ours.
if (options['tsan-e2e']) await endToEnd('tsan', { TSAN_OPTIONS: 'ignore_noninstrumented_modules=1' });

const seconds = Math.round((performance.now() - started) / 1000);
const hasTests = wanted.some((name) => name !== 'lint');
if (hasTests && total.passed + total.failed === 0) {
  console.error('no test ran');
  total.failed = 1;
}
if (failures.length > 0) heading(total.failed > 0 ? 'what failed' : 'what failed at first');
for (const text of failures) {
  const lines = text.split('\n');
  console.log(`\nFAILED: ${lines.slice(0, 60).join('\n')}`);
  if (lines.length > 60) console.log(`(${lines.length - 60} lines more, see above)`);
}
console.log(`\nafter ${seconds} s${total.skipped > 0 ? `; ${total.skipped} skipped, see above why` : ''}`);
const remarks = [
  total.skipped > 0 ? `, ${total.skipped} skipped` : '',
  total.repeated > 0 ? `, ${total.repeated} only when run again` : '',
];
console.log(`${total.passed} passed, ${total.failed} failed${remarks.join('')}`);
process.exitCode = total.failed > 0 ? 1 : 0;

// Builds libsrtp from its own sources against Node's OpenSSL headers, as a
// static library in build/vendor/libsrtp. The system's libsrtp2 may sit on NSS,
// where AES_CM_128_HMAC_SHA1_80 costs 6 to 10 times as much.
//
// The sources come from the distribution's source package, with apt and from
// wherever this machine's apt gets its packages; the tarball must have the
// checksum in recipe.json. Root is not needed.
//
//   node vendor/libsrtp/build.mjs      builds, unless it is there
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const out = join(root, 'build/vendor/libsrtp');
const refusal = join(root, 'build/vendor/libsrtp.unavailable');
const recipe = JSON.parse(readFileSync(join(here, 'recipe.json'), 'utf8'));
const tarballs = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'headgate');

/** What the library depends on: built anew when any of it changes. */
function fingerprint() {
  const hash = createHash('sha256')
    .update(JSON.stringify(recipe))
    .update(process.versions.openssl)
    .update(process.arch);
  for (const file of ['FindOpenSSL.cmake', 'build.mjs']) hash.update(readFileSync(join(here, file)));
  return hash.digest('hex');
}

/**
 * Makes build/vendor/libsrtp, or says in one line why the system's libsrtp2 has
 * to serve. A failure is remembered so that each build does not try again.
 *
 * @param {{ retry?: boolean }} options
 * @returns {boolean} whether the library is there
 */
export function buildLibsrtp({ retry = false } = {}) {
  const wanted = fingerprint();
  if (read(join(out, 'stamp')) === wanted) return true;
  if (!retry && read(refusal) === wanted) return false;

  const folder = mkdtempSync(join(tmpdir(), 'headgate-libsrtp-'));
  try {
    console.log(`headgate: building libsrtp ${recipe.version} against Node's OpenSSL ${process.versions.openssl}`);
    compile(fetchTarball(folder), folder);
    writeFileSync(join(out, 'stamp'), wanted);
    rmSync(refusal, { force: true });
    return true;
  } catch (error) {
    rmSync(out, { recursive: true, force: true });
    mkdirSync(dirname(refusal), { recursive: true });
    writeFileSync(refusal, wanted);
    console.log(`headgate: libsrtp is not built from source: ${error.message}`);
    console.log('headgate: the system libsrtp2 serves; it may need several times the CPU for AES_CM_128_HMAC_SHA1_80');
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function read(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26, ...options });
  if (result.error)
    throw new Error(result.error.code === 'ENOENT' ? `'${command}' is not installed` : result.error.message);
  if (result.status === 0) return result.stdout;
  const last = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-3).join(' | ');
  throw new Error(`'${command} ${args.at(-1)}' failed: ${last}`);
}

function isWanted(file) {
  return existsSync(file) && createHash('sha256').update(readFileSync(file)).digest('hex') === recipe.sha256;
}

/** The verified tarball: from the user's cache, else from the distribution. */
function fetchTarball(folder) {
  const kept = join(tarballs, recipe.tarball);
  if (isWanted(kept)) return kept;

  const apt = aptWithSources(folder);
  const download = join(folder, 'download');
  mkdirSync(download);
  run('apt-get', [...apt, '-q', 'update'], { cwd: download });
  run('apt-get', [...apt, '-q', 'source', '--download-only', '--only-source', recipe.sourcePackage], { cwd: download });
  const tarball = join(download, recipe.tarball);
  if (!existsSync(tarball)) {
    const found = readdirSync(download).filter((name) => name.includes('.orig.'));
    throw new Error(`this distribution's sources are ${found.join(', ') || 'missing'}, not ${recipe.tarball}`);
  }
  if (!isWanted(tarball)) throw new Error(`${recipe.tarball} does not have the checksum in vendor/libsrtp/recipe.json`);
  try {
    mkdirSync(tarballs, { recursive: true });
    cpSync(tarball, kept);
  } catch {
    // A home that cannot be written: fetched again next time.
  }
  return tarball;
}

/**
 * apt's options for lists of its own, in which each entry of this machine for
 * its own distribution is a source entry. Other vendors' entries stay out.
 */
function aptWithSources(folder) {
  const release = read('/etc/os-release') ?? '';
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(release)?.[1];
  if (!codename) throw new Error('this is neither Debian nor Ubuntu');
  const isOwn = (suite) => new RegExp(`^(${codename}|(old)*stable|testing|unstable|sid)(/|-|$)`).test(suite);

  const parts = join(folder, 'sources');
  mkdirSync(parts);
  const files = ['/etc/apt/sources.list'];
  if (existsSync('/etc/apt/sources.list.d')) {
    files.push(...readdirSync('/etc/apt/sources.list.d').map((name) => `/etc/apt/sources.list.d/${name}`));
  }
  let count = 0;
  for (const file of files.filter((name) => existsSync(name))) {
    let text = '';
    if (file.endsWith('.sources')) {
      const entries = readFileSync(file, 'utf8')
        .replace(/^#.*\n/gm, '')
        .split(/\n\s*\n/);
      const own = entries.filter((entry) => {
        const suites = /^Suites:(.*)$/im.exec(entry)?.[1].trim().split(/\s+/) ?? [];
        return suites.length > 0 && suites.every(isOwn) && !/^Enabled:\s*no/im.test(entry);
      });
      text = own.map((entry) => entry.trim().replace(/^Types:.*$/im, 'Types: deb-src')).join('\n\n');
    } else if (file.endsWith('.list')) {
      const entries = readFileSync(file, 'utf8').matchAll(/^\s*deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)(.*)$/gm);
      const own = [...entries].filter(([, , , suite]) => isOwn(suite));
      text = own.map(([, settings = '', uri, suite, rest]) => `deb-src ${settings}${uri} ${suite}${rest}`).join('\n');
    }
    if (text) writeFileSync(join(parts, `${count++}.${file.endsWith('.list') ? 'list' : 'sources'}`), `${text}\n`);
  }
  if (count === 0) throw new Error('apt has no package sources for this distribution');

  for (const name of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, name), { recursive: true });
  const options = {
    'Dir::Etc::SourceList': '/dev/null',
    'Dir::Etc::SourceParts': parts,
    'Dir::State::Lists': join(folder, 'lists'),
    'Dir::Cache': join(folder, 'cache'),
    'Acquire::Languages': 'none',
    // The folder is ours alone; apt's own user could not write to it.
    'APT::Sandbox::User': 'root',
  };
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

function applyChange(source, { file, from, to }) {
  const text = readFileSync(join(source, file), 'utf8');
  if (text.split(from).length !== 2) throw new Error(`a change in vendor/libsrtp/recipe.json does not fit ${file}`);
  writeFileSync(
    join(source, file),
    text.replace(from, () => to),
  );
}

function compile(tarball, folder) {
  const source = join(folder, 'source');
  const tree = join(folder, 'tree');
  mkdirSync(source);
  run('tar', ['-xf', tarball, '--strip-components=1', '-C', source]);
  for (const change of recipe.changes) applyChange(source, change);

  const nodeHeaders = resolve(process.execPath, '../../include/node');
  const headers = join(folder, 'headers');
  mkdirSync(headers);
  if (existsSync(join(nodeHeaders, 'openssl/ssl.h'))) {
    cpSync(join(nodeHeaders, 'openssl'), join(headers, 'openssl'), { recursive: true });
  } else if (!existsSync('/usr/include/openssl/ssl.h')) {
    throw new Error('there are no OpenSSL headers, neither beside node nor of the system (libssl-dev)');
  }
  rmSync(out, { recursive: true, force: true });
  const settings = {
    CMAKE_BUILD_TYPE: 'Release',
    CMAKE_C_FLAGS_RELEASE: '-O3 -g -DNDEBUG',
    CMAKE_C_VISIBILITY_PRESET: 'hidden',
    CMAKE_POSITION_INDEPENDENT_CODE: 'ON',
    CMAKE_INSTALL_PREFIX: out,
    CMAKE_INSTALL_LIBDIR: 'lib',
    CMAKE_MODULE_PATH: here,
    HG_OPENSSL_INCLUDE: headers,
    BUILD_SHARED_LIBS: 'OFF',
    ENABLE_OPENSSL: 'ON',
    LIBSRTP_TEST_APPS: 'OFF',
    TEST_APPS: 'OFF',
  };
  const flags = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`);
  run('cmake', [...flags, '-S', source, '-B', tree]);
  run('cmake', ['--build', tree, '--parallel', String(availableParallelism()), '--target', 'install']);
  cpSync(join(source, 'LICENSE'), join(out, 'LICENSE'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = buildLibsrtp({ retry: true }) ? 0 : 1;
}

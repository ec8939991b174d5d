import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readConfiguration } from '../../../lib/config/read.js';
import { fileStore } from '../../../lib/config/store.js';
import type { StoredMountpoint } from '../../../lib/index.js';

const CAMERA: StoredMountpoint = {
  id: 7,
  name: 'camera',
  description: 'front; "door"',
  metadata: '{"a":1}',
  isPrivate: true,
  secret: 's',
  pin: 'p',
  collision: 500,
  keyframeBuffer: { ms: 2000, bytes: 100_000 },
  playoutDelay: true,
  e2ee: true,
  media: [
    { type: 'audio', mid: 'a', codec: 'opus', port: 5002, payloadType: 111, multicast: '232.3.4.5', interface: 'lo' },
    {
      type: 'video',
      mid: 'v',
      codec: 'h264',
      port: 5004,
      rtcpPort: 5005,
      fmtp: 'profile-level-id=42e01f;packetization-mode=1',
      label: 'x',
      msid: 's t',
    },
  ],
};

t.test('what is stored is what is read again, in both forms', async (t) => {
  for (const ending of ['jcfg', 'cfg']) {
    const folder = t.testdir({ 'janus.jcfg': '' });
    const file = join(folder, `janus.plugin.streaming.${ending}`);
    const store = fileStore(file);
    store.add(CAMERA);
    store.add({ ...CAMERA, name: 'other', id: 8, media: [{ type: 'audio', mid: 'a', codec: 'opus', port: 6000 }] });

    t.equal(statSync(file).mode & 0o777, 0o640, 'secrets are not for everybody');
    const { mountpoints, problems } = readConfiguration({ folder });
    t.same(problems, []);
    const wanted = structuredClone(CAMERA);
    // The older form has no words for these.
    const [, video] = wanted.media;
    if (ending === 'cfg' && video !== undefined) Object.assign(video, { label: undefined, msid: undefined });
    t.match(mountpoints[0]?.options, wanted);
    t.equal(mountpoints.length, 2);

    t.equal(store.change('camera', { description: 'new', pin: undefined }), true);
    t.match(readConfiguration({ folder }).mountpoints[0]?.options, { description: 'new', pin: undefined, secret: 's' });
    t.equal(store.remove('camera'), true);
    t.equal(store.remove('camera'), false);
    t.equal(store.change('camera', { pin: 'x' }), false);
    t.same(
      readConfiguration({ folder }).mountpoints.map(({ options }) => options.id),
      [8],
    );
  }
});

t.test('a file keeps its rights, and a link stays a link', async (t) => {
  const folder = t.testdir({ real: { 'x.jcfg': '# mine\n' } });
  const real = join(folder, 'real/x.jcfg');
  const link = join(folder, 'x.jcfg');
  chmodSync(real, 0o604);
  symlinkSync(real, link);

  fileStore(link).add(CAMERA);

  t.ok(lstatSync(link).isSymbolicLink());
  t.equal(statSync(real).mode & 0o777, 0o604);
  t.match(readFileSync(real, 'utf8'), /^# mine\n\ncamera: \{/);
  t.same(readdirSync(join(folder, 'real')), ['x.jcfg'], 'no temporary file is left');
});

t.test('what cannot be stored is an error, and the file stays as it was', async (t) => {
  const folder = t.testdir({ 'broken.jcfg': 'a: {', 'old.cfg': '[a]\nb = 1\n' });
  mkdirSync(join(folder, 'taken.jcfg'));
  const two = [...CAMERA.media, { type: 'audio' as const, mid: 'b', codec: 'opus', port: 0 }];

  t.throws(() => fileStore(join(folder, 'broken.jcfg')).add(CAMERA), { code: 'HG_ERR_CONFIG' });
  t.throws(() => fileStore(join(folder, 'taken.jcfg')).add(CAMERA), { code: 'HG_ERR_CONFIG' });
  t.throws(() => fileStore(join(folder, 'none/x.jcfg')).add(CAMERA), /cannot be written/);
  t.throws(() => fileStore(join(folder, 'new.jcfg')).add({ ...CAMERA, name: 'my camera' }), /cannot be the name/);
  t.throws(() => fileStore(join(folder, 'new.jcfg')).add({ ...CAMERA, name: 'general' }), /"general"/);
  t.throws(() => fileStore(join(folder, 'old.cfg')).add({ ...CAMERA, media: two }), /one audio/);
  t.throws(() => fileStore(join(folder, 'old.cfg')).change('a', { description: 'two\nlines' }), /cannot be written/);

  t.same(readdirSync(folder).sort(), ['broken.jcfg', 'old.cfg', 'taken.jcfg']);
  t.equal(readFileSync(join(folder, 'broken.jcfg'), 'utf8'), 'a: {');
  t.equal(readFileSync(join(folder, 'old.cfg'), 'utf8'), '[a]\nb = 1\n');
});

t.test('what people wrote meanwhile stays', async (t) => {
  const file = join(t.testdir(), 'x.jcfg');
  const store = fileStore(file);
  store.add(CAMERA);
  writeFileSync(file, `${readFileSync(file, 'utf8')}\nmine: { id = 1 }\n`);

  store.remove('camera');

  t.equal(readFileSync(file, 'utf8').trim(), 'mine: { id = 1 }');
});

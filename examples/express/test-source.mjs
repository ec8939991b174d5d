// The mountpoints of the demo and what feeds them: ffmpeg where it is
// installed, else recordings that come with the example.
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { sendInLoop } from './loop.mjs';
import { BELLS, TEST_PICTURE } from './pictures.mjs';

export const SOURCES = ['auto', 'ffmpeg', 'recording'];

const recording = (name) => new URL(`./recordings/${name}.mjr`, import.meta.url);
const audio = { type: 'audio', mid: 'a', codec: 'opus', port: 0 };
const vp8 = { type: 'video', mid: 'v', codec: 'vp8', port: 0 };
const h264 = {
  type: 'video',
  mid: 'v',
  codec: 'h264',
  fmtp: 'profile-level-id=42e01f;packetization-mode=1',
  port: 0,
};

/**
 * @param {import('headgate').Gateway} gateway
 * @param {{ source?: string, log?: (line: string) => void }} [options] - `source`: one of SOURCES
 * @returns {Promise<() => void>} ends it
 */
export async function startTestSource(gateway, { source = 'auto', log = console.log } = {}) {
  const encoders = source === 'recording' ? new Set() : await ffmpegEncoders();
  const live = encoders.has('libvpx') && encoders.has('libopus');
  if (source === 'ffmpeg' && !live) throw new Error('there is no ffmpeg with libvpx and libopus on this machine');

  // newcomers get what came since the last keyframe, so they see something at once
  const keyframeBuffer = { ms: 5000 };
  const make = (id, description, media) => gateway.createMountpoint({ id, description, media, keyframeBuffer });
  const picture = await make(1, 'Test picture', [vp8, audio]);
  const second = live && encoders.has('libx264') ? await make(2, 'Test picture, H.264', [h264, audio]) : undefined;
  const life = await make(3, 'Game of Life', [vp8]);
  const bells = await make(4, 'Bells', [audio]);

  const ends = [
    sendInLoop([{ file: recording('life-vp8'), port: life.media[0].source.port }]),
    sendInLoop([{ file: recording('bells-opus'), port: bells.media[0].source.port }]),
  ];
  const loopPicture = () => {
    const [video, sound] = picture.media;
    ends.push(
      sendInLoop([
        { file: recording('picture-vp8'), port: video.source.port },
        { file: recording('bells-opus'), port: sound.source.port },
      ]),
    );
  };
  if (live) {
    const diesWithUs = await runs('setpriv', ['--pdeathsig', 'KILL', 'true']);
    ends.push(
      startFfmpeg(diesWithUs, picture.media, second?.media, (reason) => {
        log(`ffmpeg ended (${reason}). The test picture comes from the recording now.`);
        second?.close();
        loopPicture();
      }),
    );
    log(`Test picture: made by ffmpeg, in VP8${second ? ' and H.264' : ''} with Opus`);
  } else {
    loopPicture();
    log('Test picture: the recording that comes with the example, in VP8 with Opus');
    if (source === 'auto') log('(With ffmpeg installed there is a live one, in H.264 too.)');
  }
  return () => {
    for (const end of ends) end();
  };
}

/** The names of the encoders of the ffmpeg on this machine; none if there is no ffmpeg. */
async function ffmpegEncoders() {
  try {
    const { stdout } = await promisify(execFile)('ffmpeg', ['-hide_banner', '-encoders'], { timeout: 10_000 });
    return new Set(stdout.split('\n').map((line) => line.trim().split(/\s+/)[1]));
  } catch {
    return new Set();
  }
}

async function runs(command, args) {
  return promisify(execFile)(command, args).then(
    () => true,
    () => false,
  );
}

/**
 * One process draws the picture once and encodes it for both mountpoints.
 * `diesWithUs`: the kernel can be asked to end it, should this process be killed.
 */
function startFfmpeg(diesWithUs, first, second, onEnd) {
  const to = ({ source: { port } }, payloadType) => [
    ...['-f', 'rtp', '-rtpflags', 'skip_rtcp', '-payload_type', String(payloadType)],
    `rtp://127.0.0.1:${port}?pkt_size=1200`,
  ];
  const opus = ['-c:a', 'libopus', '-b:a', '48k', '-ac', '2', '-frame_duration', '20'];
  const args = [
    ...['-hide_banner', '-nostdin', '-v', 'error', '-threads', '1', '-filter_threads', '1'],
    ...['-re', '-f', 'lavfi', '-i', TEST_PICTURE, '-re', '-f', 'lavfi', '-i', BELLS],
    ...[
      '-map',
      '0:v',
      '-pix_fmt',
      'yuv420p',
      '-c:v',
      'libvpx',
      '-deadline',
      'realtime',
      '-cpu-used',
      '8',
      '-threads',
      '1',
    ],
    ...['-error-resilient', '1', '-b:v', '600k', '-g', '48', ...to(first[0], 96)],
    ...['-map', '1:a', ...opus, ...to(first[1], 111)],
  ];
  if (second) {
    args.push(
      ...[
        '-map',
        '0:v',
        '-pix_fmt',
        'yuv420p',
        '-c:v',
        'libx264',
        '-preset',
        'ultrafast',
        '-tune',
        'zerolatency',
        '-threads',
        '1',
      ],
      ...['-profile:v', 'baseline', '-level', '3.1', '-b:v', '700k', '-maxrate', '900k', '-bufsize', '450k'],
      // parameter sets with each keyframe: without them only the first viewer would see something
      ...['-g', '48', '-bsf:v', 'dump_extra=freq=keyframe', ...to(second[0], 97)],
      ...['-map', '1:a', ...opus, ...to(second[1], 111)],
    );
  }
  const command = diesWithUs ? ['setpriv', '--pdeathsig', 'KILL', 'ffmpeg', ...args] : ['ffmpeg', ...args];
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] });
  let ending = false;
  let lastLine = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text) => {
    lastLine = text.trim().split('\n').at(-1) || lastLine;
  });
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  const ended = (reason) => {
    process.off('exit', kill);
    if (!ending) onEnd(reason);
    ending = true;
  };
  child.on('error', (error) => ended(error.message));
  child.on('exit', (code, signal) => ended(lastLine || (signal ?? `code ${code}`)));
  return () => {
    ending = true;
    kill();
  };
}

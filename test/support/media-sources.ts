import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Test } from 'tap';

/** Programs that send RTP; both are what users feed a mountpoint with. */
export type SourceProgram = 'ffmpeg' | 'gstreamer';

export interface StreamOptions {
  port: number;
  payloadType: number;
  host?: string;
  /** Frames per second. */
  rate?: number;
}

export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

function start(t: Test, command: string, args: string[]): void {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  let ended = false;
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2000)));
  child.on('exit', (code) => {
    if (!ended && code !== 0) t.fail(`${command} ended with ${String(code)}: ${complaint}`);
  });
  t.teardown(
    () =>
      new Promise<void>((resolve) => {
        ended = true;
        if (child.exitCode !== null) return resolve();
        child.on('exit', () => resolve());
        child.kill('SIGKILL');
      }),
  );
}

/** Runs a source as it stands in a shell, without quotes, until the test ends. */
export function runSource(t: Test, line: string): void {
  const [program = '', ...args] = line.trim().split(/\s+/);
  start(t, program, program === 'ffmpeg' ? ['-hide_banner', '-loglevel', 'error', ...args] : args);
}

function ffmpeg(t: Test, args: string): void {
  start(t, 'ffmpeg', ['-hide_banner', '-loglevel', 'error', '-re', ...args.split(' ')]);
}

function gstreamer(t: Test, pipeline: string): void {
  start(t, 'gst-launch-1.0', ['-q', ...pipeline.split(' ')]);
}

export function sendVp8(t: Test, program: SourceProgram, options: StreamOptions): void {
  const { port, payloadType, host = '127.0.0.1', rate = 24 } = options;
  if (program === 'ffmpeg') {
    ffmpeg(
      t,
      `-f lavfi -i testsrc=size=320x180:rate=${rate} -an -c:v libvpx -deadline realtime -cpu-used 8 -error-resilient 1 ` +
        `-b:v 400k -g ${rate} -pix_fmt yuv420p -f rtp -payload_type ${payloadType} rtp://${host}:${port}?pkt_size=1200`,
    );
  } else {
    gstreamer(
      t,
      `videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=${rate}/1 ! videoconvert ! ` +
        `vp8enc deadline=1 cpu-used=8 error-resilient=default target-bitrate=400000 keyframe-max-dist=${rate} ! ` +
        `rtpvp8pay mtu=1200 pt=${payloadType} ! udpsink host=${host} port=${port}`,
    );
  }
}

export function sendOpus(t: Test, program: SourceProgram, options: StreamOptions): void {
  const { port, payloadType, host = '127.0.0.1' } = options;
  if (program === 'ffmpeg') {
    ffmpeg(
      t,
      '-f lavfi -i sine=frequency=440:sample_rate=48000 -vn -c:a libopus -frame_duration 20 -b:a 48k -ac 2 ' +
        `-f rtp -payload_type ${payloadType} rtp://${host}:${port}?pkt_size=1200`,
    );
  } else {
    gstreamer(
      t,
      'audiotestsrc is-live=true samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=2 ! audioconvert ! opusenc ! ' +
        `rtpopuspay pt=${payloadType} ! udpsink host=${host} port=${port}`,
    );
  }
}

/** Constrained baseline, 42e01f, with parameter sets before each keyframe. */
export function sendH264(t: Test, program: SourceProgram, options: StreamOptions): void {
  const { port, payloadType, host = '127.0.0.1', rate = 24 } = options;
  if (program === 'ffmpeg') {
    ffmpeg(
      t,
      `-f lavfi -i testsrc=size=320x180:rate=${rate} -an -c:v libx264 -preset ultrafast -tune zerolatency ` +
        `-profile:v baseline -level 3.1 -pix_fmt yuv420p -bf 0 -b:v 400k -g ${rate} -bsf:v dump_extra=freq=keyframe ` +
        `-f rtp -payload_type ${payloadType} rtp://${host}:${port}?pkt_size=1200`,
    );
  } else {
    gstreamer(
      t,
      `videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=${rate}/1 ! videoconvert ! ` +
        `x264enc tune=zerolatency speed-preset=ultrafast bitrate=400 key-int-max=${rate} ! ` +
        'video/x-h264,profile=constrained-baseline ! ' +
        `rtph264pay config-interval=1 mtu=1200 pt=${payloadType} ! udpsink host=${host} port=${port}`,
    );
  }
}

/** Encodes a few seconds of VP8 and Opus once; {@link sendClip} sends them at next to no cost. */
export function makeClip(t: Test): string {
  const clip = join(t.testdir(), 'clip.webm');
  const made = spawnSync('ffmpeg', [
    ...'-hide_banner -loglevel error -f lavfi -i testsrc=size=320x180:rate=15 -f lavfi'.split(' '),
    ...'-i sine=frequency=440:sample_rate=48000 -t 8 -c:v libvpx -deadline realtime -cpu-used 8'.split(' '),
    ...'-error-resilient 1 -b:v 300k -g 15 -pix_fmt yuv420p -c:a libopus -frame_duration 20 -b:a 32k -ac 2'.split(' '),
    clip,
  ]);
  if (made.status !== 0) throw new Error(`ffmpeg: ${made.stderr.toString()}`);
  return clip;
}

/** Sends a clip over and over. */
export function sendClip(t: Test, clip: string, ports: { video: number; audio: number }): void {
  const to = (port: number): string => `rtp://127.0.0.1:${String(port)}?pkt_size=1200`;
  ffmpeg(
    t,
    `-stream_loop -1 -i ${clip} -map 0:v -c copy -f rtp -payload_type 100 ${to(ports.video)} ` +
      `-map 0:a -c copy -f rtp -payload_type 111 ${to(ports.audio)}`,
  );
}

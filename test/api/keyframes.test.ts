// Keyframes of H.264 and H.265 are found where the encoder put them, however
// ffmpeg and GStreamer cut them into packets.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { link } from '../../lib/index.js';
import { until } from '../support/browser.js';
import { isInstalled } from '../support/media-sources.js';
import { testGateway } from '../support/test-app.js';

const FRAMES = 75;
const EACH_SECOND = [0, 25, 50];

interface Case {
  name: string;
  codec: 'H264' | 'H265';
  /** With PORT in it; 75 frames, 25 a second. */
  command: string;
  keyframes?: number[];
}

const X264 = '-c:v libx264 -preset ultrafast -tune zerolatency -g 25 -keyint_min 25 -sc_threshold 0';
const X265 = '-c:v libx265 -preset ultrafast -tune zerolatency';
const GOP = 'keyint=25:min-keyint=25:scenecut=0:bframes=0:log-level=none';

function ffmpeg(encoder: string): string {
  return (
    'ffmpeg -hide_banner -loglevel error -re -f lavfi -i testsrc=size=320x180:rate=25 -frames:v 75 -an ' +
    `${encoder} -pix_fmt yuv420p -f rtp -payload_type 96 rtp://127.0.0.1:PORT?pkt_size=1200`
  );
}

function gstreamer(encoder: string): string {
  return (
    'gst-launch-1.0 -q videotestsrc is-live=true num-buffers=75 ! video/x-raw,width=320,height=180,framerate=25/1 ! ' +
    `videoconvert ! ${encoder} mtu=1200 pt=96 ! udpsink host=127.0.0.1 port=PORT`
  );
}

const GST264 = 'x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25';
const GST265 = 'x265enc tune=zerolatency speed-preset=ultrafast key-int-max=25';
const CASES: Case[] = [
  { name: 'parameter sets in the SDP alone', codec: 'H264', command: ffmpeg(`${X264} -flags +global_header`) },
  { name: 'parameter sets before each', codec: 'H264', command: ffmpeg(X264) },
  { name: 'four slices', codec: 'H264', command: ffmpeg(`${X264} -x264-params slices=4`) },
  {
    name: 'intra refresh',
    codec: 'H264',
    command: ffmpeg(`${X264} -flags +global_header -x264-params intra-refresh=1`),
    keyframes: [0],
  },
  // The encoder repeats them where a refresh begins: what comes after them is as good a start as there is.
  { name: 'intra refresh with parameter sets', codec: 'H264', command: ffmpeg(`${X264} -x264-params intra-refresh=1`) },
  {
    name: 'GStreamer, a packet for each unit',
    codec: 'H264',
    command: gstreamer(`${GST264} ! h264parse ! rtph264pay config-interval=-1 aggregate-mode=none`),
  },
  {
    name: 'GStreamer, STAP-A',
    codec: 'H264',
    command: gstreamer(`${GST264} ! h264parse ! rtph264pay config-interval=-1 aggregate-mode=zero-latency`),
  },
  {
    name: 'parameter sets in the SDP alone',
    codec: 'H265',
    command: ffmpeg(`${X265} -flags +global_header -x265-params ${GOP}`),
  },
  {
    name: 'parameter sets before each',
    codec: 'H265',
    command: ffmpeg(`${X265} -x265-params ${GOP}:repeat-headers=1`),
  },
  { name: 'four slices', codec: 'H265', command: ffmpeg(`${X265} -x265-params ${GOP}:slices=4`) },
  {
    name: 'GStreamer, aggregates',
    codec: 'H265',
    command: gstreamer(`${GST265} ! h265parse ! rtph265pay config-interval=-1 aggregate-mode=zero-latency`),
  },
];

for (const { name, codec, command, keyframes = EACH_SECOND } of CASES) {
  const [program = '', ...args] = command.split(' ');
  t.test(`${codec}: ${name}`, { skip: !isInstalled(program) && `${program} is not installed` }, async (t) => {
    const gateway = await testGateway(t);
    const { media } = await gateway.createMountpoint({ media: [{ type: 'video', mid: 'v', codec, port: 0 }] });
    const source = media[0]!.source;
    const tap = gateway.createTap({ kind: 'video' });
    link(source, tap);
    const timestamps: number[] = [];
    const marked = new Set<number>();
    tap.on('packets', (batch) => {
      for (const packet of batch) {
        const timestamp = Buffer.from(packet.bytes).readUInt32BE(4);
        if (timestamps.at(-1) !== timestamp) timestamps.push(timestamp);
        if (packet.keyframe) marked.add(timestamp);
      }
    });
    await until('the link', () => source.stats().viewers === 1);

    const child = spawn(
      program,
      args.map((arg) => arg.replace('PORT', String(source.port))),
      { stdio: 'ignore' },
    );
    t.teardown(() => child.kill('SIGKILL'));
    await once(child, 'exit');
    await until('all frames', () => timestamps.length === FRAMES);

    const found = [...timestamps.keys()].filter((index) => marked.has(timestamps[index] ?? -1));
    t.same(found, keyframes, 'the frames that are keyframes');
    t.match(source.stats(), { frames: FRAMES, keyframes: keyframes.length, lost: 0 });
  });
}

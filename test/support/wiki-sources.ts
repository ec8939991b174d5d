// The sources that people feed Janus with, by ffmpeg and GStreamer, and the mountpoints they write for them:
// VP8 and Opus, H.264, unicast and multicast, a recorded file, packets that are too large.
import { spawnSync } from 'node:child_process';

/** Ports of a source. */
export interface Ports {
  video: number;
  audio: number;
}

/** A mountpoint of a configuration file, and who feeds it. */
export interface WikiSource {
  id: number;
  name: string;
  codec: 'VP8' | 'H264';
  audio: boolean;
  multicast: boolean;
  /** The settings of the mountpoint, one a line as the older form has them. */
  settings(ports: Ports): string[];
  /** As typed into a shell. `iface`: where multicast goes out, if not by the default route. */
  command(ports: Ports, iface: { name: string; address: string } | null): string;
}

const VP8 = ['videopt = 100', 'videortpmap = VP8/90000'];
const H264 = ['videopt = 126', 'videortpmap = H264/90000', 'videofmtp = profile-level-id=42e01f;packetization-mode=1'];
const OPUS = ['audiopt = 111', 'audiortpmap = opus/48000/2'];

const PICTURES = '-re -f lavfi -i testsrc=size=320x180:rate=15';
const SOUND = '-re -f lavfi -i sine=frequency=440:sample_rate=48000';
const ENCODE_VP8 = '-c:v libvpx -deadline realtime -cpu-used 8 -b:v 300k -g 15 -pix_fmt yuv420p';
const ENCODE_H264 =
  '-c:v libx264 -preset ultrafast -tune zerolatency -profile:v baseline -pix_fmt yuv420p -b:v 300k -g 15 -bsf:v dump_extra=freq=keyframe';
const ENCODE_OPUS = '-c:a libopus -ac 2 -b:a 32k';
const GST_PICTURES = 'videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=15/1 ! videoconvert';
const GST_SOUND = 'audiotestsrc is-live=true ! audioconvert ! audioresample ! opusenc bitrate=32000';
const GST_VP8 = 'vp8enc deadline=1 cpu-used=8 keyframe-max-dist=15 ! rtpvp8pay mtu=1200 pt=100';
const GST_H264 =
  'x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=1 mtu=1200 pt=126';

/** Where ffmpeg sends. */
function url(host: string, port: number, query: string, iface: { address: string } | null): string {
  const local = iface === null || !host.startsWith('232.') ? '' : `&localaddr=${iface.address}`;
  return `rtp://${host}:${String(port)}?${query}${local}`;
}

/** Where GStreamer sends. */
function udpsink(host: string, port: number, iface: { name: string } | null): string {
  const multicast = host.startsWith('232.')
    ? ` auto-multicast=true${iface === null ? '' : ` multicast-iface=${iface.name}`}`
    : '';
  return `udpsink host=${host} port=${String(port)}${multicast}`;
}

function withFfmpeg(host: string, encode: string, pt: number, audio: boolean, size = 1200): WikiSource['command'] {
  return ({ video, audio: sound }, iface) =>
    `ffmpeg ${PICTURES} ${audio ? SOUND : ''} -map 0:v ${encode} -f rtp -payload_type ${String(pt)} ` +
    url(host, video, `pkt_size=${String(size)}`, iface) +
    (audio ? ` -map 1:a ${ENCODE_OPUS} -f rtp -payload_type 111 ${url(host, sound, 'pkt_size=1200', iface)}` : '');
}

function withGstreamer(host: string, encode: string, audio: boolean): WikiSource['command'] {
  return ({ video, audio: sound }, iface) =>
    `gst-launch-1.0 -q ${GST_PICTURES} ! ${encode} ! ${udpsink(host, video, iface)}` +
    (audio ? ` ${GST_SOUND} ! rtpopuspay pt=111 ! ${udpsink(host, sound, iface)}` : '');
}

const videoOnly =
  (codec: readonly string[]) =>
  ({ video }: Ports) => ['video = yes', `videoport = ${String(video)}`, ...codec];
const withOpus = (codec: readonly string[]) => (ports: Ports) => [
  ...videoOnly(codec)(ports),
  'audio = yes',
  `audioport = ${String(ports.audio)}`,
  ...OPUS,
];
const group =
  (settings: WikiSource['settings'], address: string, audio: boolean): WikiSource['settings'] =>
  (ports) => [...settings(ports), `videomcast = ${address}`, ...(audio ? [`audiomcast = ${address}`] : [])];

/** All but those of files. */
export const WIKI_SOURCES: readonly WikiSource[] = [
  {
    ...{ id: 1, name: 'gstreamer-sample', codec: 'VP8', audio: true, multicast: false },
    settings: withOpus(VP8),
    command: withGstreamer('127.0.0.1', GST_VP8, true),
  },
  {
    ...{ id: 2, name: 'ffmpeg-sample', codec: 'VP8', audio: true, multicast: false },
    settings: withOpus(VP8),
    command: withFfmpeg('127.0.0.1', ENCODE_VP8, 100, true),
  },
  {
    ...{ id: 3, name: 'gstreamer-multicast', codec: 'VP8', audio: true, multicast: true },
    settings: group(withOpus(VP8), '232.3.4.5', true),
    command: withGstreamer('232.3.4.5', GST_VP8, true),
  },
  {
    ...{ id: 4, name: 'ffmpeg-multicast', codec: 'VP8', audio: true, multicast: true },
    settings: group(withOpus(VP8), '232.3.4.5', true),
    command: withFfmpeg('232.3.4.5', ENCODE_VP8, 100, true),
  },
  {
    ...{ id: 10, name: 'h264-sample', codec: 'H264', audio: false, multicast: false },
    settings: videoOnly(H264),
    command: withGstreamer('127.0.0.1', GST_H264, false),
  },
  {
    ...{ id: 11, name: 'h264-multicast', codec: 'H264', audio: false, multicast: true },
    settings: group(videoOnly(H264), '232.6.7.8', false),
    command: withFfmpeg('232.6.7.8', ENCODE_H264, 126, false),
  },
  {
    ...{ id: 12, name: 'h264-opus', codec: 'H264', audio: true, multicast: false },
    settings: withOpus(H264),
    command: withFfmpeg('127.0.0.1', ENCODE_H264, 126, true, 1400),
  },
];

/** A recorded file, remuxed; the file is made there. */
export function recordedSource(file: string): WikiSource {
  const made = spawnSync(
    'ffmpeg',
    `-hide_banner -loglevel error -f lavfi -i testsrc=size=320x180:rate=15 -t 6 -c:v libx264 -profile:v baseline -pix_fmt yuv420p -g 15 ${file}`.split(
      ' ',
    ),
  );
  if (made.status !== 0) throw new Error(`ffmpeg: ${made.stderr.toString()}`);
  return {
    ...{ id: 13, name: 'recorded', codec: 'H264', audio: false, multicast: false },
    settings: videoOnly(H264),
    command: ({ video }) =>
      `ffmpeg -re -stream_loop -1 -i ${file} -an -c copy -bsf:v h264_mp4toannexb,dump_extra=freq=keyframe -f rtp -payload_type 126 ${url('127.0.0.1', video, 'pkt_size=1400', null)}`,
  };
}

/** Packets that do not fit a path of 1500 bytes. */
export const LARGE_PACKETS: WikiSource = {
  ...{ id: 14, name: 'large', codec: 'VP8', audio: false, multicast: false },
  settings: videoOnly(VP8),
  command: ({ video }) =>
    `ffmpeg ${PICTURES} -c:v libvpx -deadline realtime -cpu-used 8 -b:v 4M -g 15 -f rtp -payload_type 100 rtp://127.0.0.1:${String(video)}?pkt_size=4000`,
};

/** As janus.plugin.streaming.jcfg has it. */
export function inLibconfig({ id, name, settings }: WikiSource, ports: Ports, more: readonly string[] = []): string {
  const lines = [...settings(ports), ...more].map((line) =>
    line.replace(/^(\w+) = (.*)$/, (_, setting: string, value: string) =>
      /^(yes|\d+)$/.test(value) ? `${setting} = ${value.replace('yes', 'true')}` : `${setting} = "${value}"`,
    ),
  );
  return `${name}: {\n\ttype = "rtp"\n\tid = ${String(id)}\n${lines.map((line) => `\t${line}\n`).join('')}}\n`;
}

/** As the older janus.plugin.streaming.cfg has it. */
export function inIni({ id, name, settings }: WikiSource, ports: Ports, more: readonly string[] = []): string {
  const lines = [...settings(ports), ...more].map((line) => line.replaceAll(';', '\\;'));
  return `[${name}]\ntype = rtp\nid = ${String(id)}\n${lines.join('\n')}\n\n`;
}

/** Gives each source two of the ports. */
export function portsFor(sources: readonly WikiSource[], free: readonly number[]): { of(source: WikiSource): Ports } {
  return {
    of: (source) => {
      const index = 2 * sources.indexOf(source);
      return { video: free[index] ?? 0, audio: free[index + 1] ?? 0 };
    },
  };
}

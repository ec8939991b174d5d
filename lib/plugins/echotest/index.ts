import { resolve, sep } from 'node:path';
import type {
  AnswerWish,
  DataChannel,
  HangupReason,
  IncomingTrack,
  Layers,
  LayerTarget,
  OutgoingTrack,
  Peer,
  RemoteMedia,
} from '../../peer/peer.js';
import { RemoteError } from '../../errors.js';
import { option, readOptions } from '../../options.js';
import { link, type Link } from '../../routing/link.js';
import type { RecorderFactory } from '../../routing/recorder.js';
import type { Handle, RemoteJsep } from '../handle.js';
import { asyncRequest, Plugin, PluginError, reply, type PluginHost, type Request, type Requests } from '../plugin.js';
import { boolean, integerFrom, optional, positiveInteger, string, type Shaped } from '../shape.js';
import { Recording, type RecordingOptions } from './recording.js';

/** What the plugin needs of the gateway. */
export interface EchoTestHost extends PluginHost, RecorderFactory {}

/** What {@link EchoTestPlugin} takes. */
export interface EchoTestOptions {
  /** The folder that recordings go to; a `filename` that leads out of it is refused. Default: nobody may record. */
  recordings?: string | undefined;
}

const ERROR = { INVALID_ELEMENT: 413, INVALID_SDP: 414, UNKNOWN: 499 } as const;

/** Encodings and layers are three at most. */
const layer = integerFrom(0, 2);
const SHAPE = {
  audio: optional(boolean),
  video: optional(boolean),
  bitrate: optional(positiveInteger),
  record: optional(boolean),
  filename: optional(string),
  substream: optional(layer),
  temporal: optional(layer),
  fallback: optional(positiveInteger),
  svc: optional(boolean),
  spatial_layer: optional(layer),
  temporal_layer: optional(layer),
  audiocodec: optional(string),
  videocodec: optional(string),
  videoprofile: optional(string),
  opusred: optional(boolean),
  min_delay: optional(positiveInteger),
  max_delay: optional(positiveInteger),
};
type Body = Shaped<typeof SHAPE>;

// Of a data channel, bytes.
const MAX_MESSAGE = 262_144;

/** Codecs whose pictures can be several frames, one of each spatial layer. */
const SCALABLE: readonly string[] = ['vp9', 'av1'];

const EXTENSIONS = {
  audio: ['mid', 'audio-level', 'transport-wide-cc'],
  video: [
    'mid',
    'rid',
    'repaired-rid',
    'transport-wide-cc',
    'video-orientation',
    'playout-delay',
    'dependency-descriptor',
  ],
} as const;

/** What the admin API shows of a handle that sends nothing. */
const IDLE = { audio_active: true, video_active: true, bitrate: 0, 'peer-bitrate': 0, slowlink_count: 0 };

/** What goes back to one client. */
class Echo {
  readonly #links = new Map<string, Link>();
  readonly #muted = { audio: false, video: false };
  #bitrate = 0;
  /** What was asked for so far. */
  #layers: Partial<LayerTarget> = {};
  #scalable: (mid: string) => boolean = () => false;
  #recording: Recording | null = null;
  /** Data channels with echoes that wait for room. */
  readonly #full = new Set<DataChannel>();
  #hasData = false;
  #slowLinks = 0;

  constructor(
    readonly peer: Peer,
    readonly handle: Handle,
  ) {
    peer.on('negotiated', () => {
      for (const track of peer.incoming) this.#connect(track);
      this.#recordTracks();
    });
    peer.on('datachannel', (channel) => this.#answer(channel));
    peer.on('slowlink', ({ mid, media, uplink, lost }) => {
      this.#slowLinks += 1;
      handle.push({ echotest: 'event', mid, media, uplink, nacks: lost });
    });
  }

  configure(body: Body): void {
    const { audio, video, bitrate } = body;
    if (audio !== undefined) this.#muted.audio = !audio;
    if (video !== undefined) this.#muted.video = !video;
    for (const out of this.#links.values()) this.#apply(out);
    this.#recording?.setMuted(this.#muted);
    const { substream, spatial_layer: spatial, temporal = body.temporal_layer, fallback } = body;
    const layers = {
      ...(substream === undefined ? {} : { substream }),
      ...(spatial === undefined ? {} : { spatial }),
      ...(temporal === undefined ? {} : { temporal }),
      // On the wire it is in microseconds.
      ...(fallback === undefined ? {} : { fallback: fallback / 1000 }),
    };
    if (body.svc === true) this.#scalable = () => true;
    if (Object.keys(layers).length > 0) {
      this.#layers = { ...this.#layers, ...layers };
      for (const { mid, kind } of this.peer.incoming) if (kind === 'video') this.peer.track(mid)?.setLayers(layers);
    }
    if (bitrate === undefined || bitrate === this.#bitrate) return;
    this.#bitrate = bitrate;
    this.peer.setMaxBitrate(bitrate);
  }

  /** What the admin API shows. */
  info(): object {
    const tracks = [...this.peer.incoming];
    const codecOf = (kind: string) => tracks.find((track) => track.kind === kind)?.codec.name;
    return {
      audio_active: !this.#muted.audio,
      video_active: !this.#muted.video,
      audio_codec: codecOf('audio'),
      video_codec: codecOf('video'),
      bitrate: this.#bitrate,
      'peer-bitrate': this.peer.closed ? 0 : this.peer.stats().remb,
      slowlink_count: this.#slowLinks,
      simulcast: tracks.some((track) => track.encodings.length > 1) ? true : undefined,
      recording: this.recording ? true : undefined,
    };
  }

  /** Whether a client says of an m-line that it is coded in layers. */
  setScalable(scalable: (mid: string) => boolean): void {
    this.#scalable = scalable;
  }

  /** As those who listen to events are told. */
  get state(): object {
    const { audio, video } = this.#muted;
    return { audio_active: !audio, video_active: !video, bitrate: this.#bitrate };
  }

  get recording(): boolean {
    return this.#recording !== null;
  }

  /** Tracks and messages that come later are recorded too. */
  record(recording: Recording): void {
    this.#recording = recording;
    this.#recordTracks();
    if (this.#hasData) recording.addData();
  }

  async stopRecording(): Promise<void> {
    const recording = this.#recording;
    this.#recording = null;
    await recording?.stop();
  }

  #recordTracks(): void {
    for (const track of this.peer.incoming) this.#recording?.add(track);
    this.#recording?.setMuted(this.#muted);
  }

  /** On the channel it came by: text with a greeting, binary as it is. */
  #answer(channel: DataChannel): void {
    this.#hasData = true;
    this.#recording?.addData();
    const waiting: (string | Uint8Array)[] = [];
    // What comes while there is no room would have to be kept: the client waits.
    const update = (): void => {
      if (waiting.length > 0) this.#full.add(channel);
      else this.#full.delete(channel);
      if (this.#full.size > 0) this.peer.pauseData();
      else this.peer.resumeData();
    };
    channel.on('message', (data) => {
      this.#recording?.write(data);
      const echo = typeof data === 'string' ? greet(data) : data;
      if (waiting.length === 0 && channel.send(echo)) return;
      waiting.push(echo);
      update();
    });
    channel.on('low', () => {
      while (waiting[0] !== undefined && channel.send(waiting[0])) waiting.shift();
      update();
    });
    channel.on('close', () => {
      waiting.length = 0;
      update();
    });
  }

  #connect(track: IncomingTrack): void {
    const out = this.peer.track(track.mid);
    const before = this.#links.get(track.mid);
    if (out === undefined || out.closed || before?.closed === false) return;
    const made = link(track, out);
    this.#links.set(track.mid, made);
    if (before?.sink !== out) this.#tell(out, track);
    // What was asked for, or no more than to be told of layers.
    if (out.kind === 'video' && (Object.keys(this.#layers).length > 0 || this.#scalable(track.mid))) {
      out.setLayers(this.#layers);
    }
    this.#apply(made);
  }

  /** Whenever another layer of a picture is sent back. */
  #tell(out: OutgoingTrack, track: IncomingTrack): void {
    let told: Partial<Layers> = {};
    out.on('layers', (layers) => {
      const about = { echotest: 'event', mid: out.mid, videocodec: out.codec.name };
      const { substream, spatial, temporal } = layers;
      const isNew = (name: keyof Layers): boolean => layers[name] !== told[name];
      if (track.stats().length === 1 && SCALABLE.includes(out.codec.name)) {
        if (isNew('spatial')) this.handle.push({ ...about, spatial_layer: spatial });
        if (isNew('temporal')) this.handle.push({ ...about, temporal_layer: temporal });
      } else {
        if (isNew('substream')) this.handle.push({ ...about, substream });
        if (isNew('temporal')) this.handle.push({ ...about, temporal });
      }
      told = layers;
    });
  }

  #apply(out: Link): void {
    if (out.closed) return;
    if (this.#muted[out.sink.kind]) out.pause();
    else out.resume();
  }
}

/**
 * Sends everybody back what they send: `janus.plugin.echotest`. A check of a
 * browser, a camera and a network; and an example of a plugin that receives.
 *
 * @example
 * const gateway = await Gateway.open({ echotest: false });
 * await gateway.use(new EchoTestPlugin({ recordings: '/tmp/echo' }));
 */
export class EchoTestPlugin extends Plugin {
  static readonly package = 'janus.plugin.echotest';
  static readonly key = 'echotest';
  static readonly errorCodes = {
    unknownRequest: ERROR.INVALID_ELEMENT,
    missing: ERROR.INVALID_ELEMENT,
    invalid: ERROR.INVALID_ELEMENT,
    unknownError: ERROR.UNKNOWN,
  };

  /** There are no verbs: every message is the same request. */
  readonly requests: Requests = {};
  readonly #request = asyncRequest(SHAPE, (handle, body, { body: raw, jsep }) => {
    if (jsep === undefined && !Object.keys(SHAPE).some((field) => Object.hasOwn(raw, field))) {
      throw new PluginError(
        ERROR.INVALID_ELEMENT,
        `nothing is asked for: send an offer, or one of ${Object.keys(SHAPE).join(', ')}`,
      );
    }
    return this.#configure(handle, body, jsep);
  });
  readonly #echoes = new Map<Handle, Echo>();
  readonly #folder: string | undefined;
  #host: EchoTestHost | null = null;

  /** @throws {@link UsageError} `HG_ERR_OPTION` */
  constructor(options: EchoTestOptions = {}) {
    super();
    const { recordings } = readOptions('EchoTestPlugin', options, { recordings: option.optional(option.string()) });
    this.#folder = recordings === undefined ? undefined : resolve(recordings);
  }

  override get name(): string {
    return 'headgate EchoTest plugin';
  }
  override get description(): string {
    return 'Sends back what it is sent';
  }

  override requestFor(): Request {
    return this.#request;
  }

  override handleInfo(handle: Handle): object {
    const flags = { hangingup: handle.peer?.closed === true ? 1 : 0, destroyed: handle.closed ? 1 : 0 };
    return { ...(this.#echoes.get(handle)?.info() ?? IDLE), ...flags };
  }

  override opened(gateway: EchoTestHost): void {
    this.#host = gateway;
  }

  override peerClosed(handle: Handle, _reason: HangupReason): void {
    const echo = this.#echoes.get(handle);
    if (echo === undefined) return;
    this.#echoes.delete(handle);
    void echo.stopRecording();
    handle.push({ echotest: 'event', result: 'done' });
  }

  async #configure(handle: Handle, body: Body, jsep: RemoteJsep | undefined): Promise<object> {
    const ok = { echotest: 'event', result: 'ok' };
    const base = body.record === true ? this.#baseFor(handle, body) : '';
    if (jsep?.type !== 'offer') {
      const known = this.#echoes.get(handle);
      known?.configure(body);
      if (known) {
        this.#host?.notify(handle, () => known.state);
        await this.#record(known, body.record, { base, endToEndEncrypted: false });
      }
      return ok;
    }
    const echo = this.#echoFor(handle);
    const { svc } = jsep;
    if (svc !== undefined) echo.setScalable((mid) => svc.some((line) => line.mid === mid));
    echo.configure(body);
    this.#host?.notify(handle, () => echo.state);
    await this.#record(echo, body.record, { base, endToEndEncrypted: jsep.e2ee });
    try {
      const sdp = await echo.peer.createAnswer(jsep.sdp, {
        ridOrder: jsep.ridOrder,
        wishFor: (line) => wishFor(line, body),
        data: true,
      });
      return reply(ok, { type: 'answer', sdp, ...(jsep.e2ee ? { e2ee: true } : {}) });
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      throw new PluginError(ERROR.INVALID_SDP, error.message);
    }
  }

  async #record(echo: Echo, record: boolean | undefined, options: RecordingOptions): Promise<void> {
    if (record === false) await echo.stopRecording();
    if (record !== true || echo.recording || this.#host === null) return;
    echo.record(new Recording(this.#host, this.#host.logger, options));
  }

  #baseFor(handle: Handle, { filename }: Body): string {
    const folder = this.#folder;
    if (folder === undefined) {
      throw new PluginError(ERROR.INVALID_ELEMENT, '"record": nothing is recorded here, there is no folder for it');
    }
    const name = filename || `echotest-${String(handle.id)}-${String(Date.now() * 1000)}`;
    const path = resolve(folder, name);
    if (!path.startsWith(folder.replace(/\/?$/, sep)) || name.includes('\0')) {
      throw new PluginError(ERROR.INVALID_ELEMENT, '"filename" must name a file in the folder for recordings');
    }
    return path;
  }

  #echoFor(handle: Handle): Echo {
    const known = this.#echoes.get(handle);
    if (known !== undefined && known.peer === handle.peer) return known;
    const echo = new Echo(handle.createPeer({ offering: false }), handle);
    this.#echoes.set(handle, echo);
    return echo;
  }
}

/** Text comes back with a few words in front; one that would be too long then goes as it came. */
function greet(text: string): string {
  const greeting = `The echo test got: ${text}`;
  return Buffer.byteLength(greeting) <= MAX_MESSAGE ? greeting : text;
}

function wishFor(line: RemoteMedia, body: Body): AnswerWish {
  const isAudio = line.type === 'audio';
  const codec = isAudio ? body.audiocodec : body.videocodec;
  const profile = isAudio ? undefined : body.videoprofile;
  return {
    codecs: codec === undefined ? undefined : [codec],
    accepts: profile === undefined ? undefined : ({ fmtp }) => fmtp?.includes(profile) === true,
    extensions: isAudio ? EXTENSIONS.audio : EXTENSIONS.video,
    red: body.opusred === true,
  };
}

import type { AnswerWish, DataChannel, HangupReason, IncomingTrack, Peer, RemoteMedia } from '../../peer/peer.js';
import { RemoteError } from '../../errors.js';
import { link, type Link } from '../../routing/link.js';
import type { Handle, RemoteJsep } from '../handle.js';
import { asyncRequest, Plugin, PluginError, reply, type Request, type Requests } from '../plugin.js';
import { boolean, optional, positiveInteger, string, type Shaped } from '../shape.js';

const ERROR = { INVALID_ELEMENT: 413, INVALID_SDP: 414, UNKNOWN: 499 } as const;

const SHAPE = {
  audio: optional(boolean),
  video: optional(boolean),
  bitrate: optional(positiveInteger),
  record: optional(boolean),
  filename: optional(string),
  substream: optional(positiveInteger),
  temporal: optional(positiveInteger),
  fallback: optional(positiveInteger),
  svc: optional(boolean),
  spatial_layer: optional(positiveInteger),
  temporal_layer: optional(positiveInteger),
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

const EXTENSIONS = {
  audio: ['mid', 'audio-level', 'transport-wide-cc'],
  video: ['mid', 'rid', 'repaired-rid', 'transport-wide-cc', 'video-orientation', 'playout-delay'],
} as const;

/** What goes back to one client. */
class Echo {
  readonly #links = new Map<string, Link>();
  readonly #muted = { audio: false, video: false };
  #bitrate = 0;
  /** Data channels with echoes that wait for room. */
  readonly #full = new Set<DataChannel>();

  constructor(readonly peer: Peer) {
    peer.on('negotiated', () => {
      for (const track of peer.incoming) this.#connect(track);
    });
    peer.on('datachannel', (channel) => this.#answer(channel));
  }

  configure({ audio, video, bitrate }: Body): void {
    if (audio !== undefined) this.#muted.audio = !audio;
    if (video !== undefined) this.#muted.video = !video;
    for (const out of this.#links.values()) this.#apply(out);
    if (bitrate === undefined || bitrate === this.#bitrate) return;
    this.#bitrate = bitrate;
    this.peer.setMaxBitrate(bitrate);
  }

  /** On the channel it came by: text with a greeting, binary as it is. */
  #answer(channel: DataChannel): void {
    const waiting: (string | Uint8Array)[] = [];
    // What comes while there is no room would have to be kept: the client waits.
    const update = (): void => {
      if (waiting.length > 0) this.#full.add(channel);
      else this.#full.delete(channel);
      if (this.#full.size > 0) this.peer.pauseData();
      else this.peer.resumeData();
    };
    channel.on('message', (data) => {
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
    this.#apply(made);
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
    if (jsep === undefined && Object.keys(raw).length === 0) {
      throw new PluginError(ERROR.INVALID_ELEMENT, 'nothing is asked for: send a setting, or an offer');
    }
    return this.#configure(handle, body, jsep);
  });
  readonly #echoes = new Map<Handle, Echo>();

  override get name(): string {
    return 'headgate EchoTest plugin';
  }
  override get description(): string {
    return 'Sends back what it is sent';
  }

  override requestFor(): Request {
    return this.#request;
  }

  override peerClosed(handle: Handle, _reason: HangupReason): void {
    if (this.#echoes.delete(handle)) handle.push({ echotest: 'event', result: 'done' });
  }

  async #configure(handle: Handle, body: Body, jsep: RemoteJsep | undefined): Promise<object> {
    const ok = { echotest: 'event', result: 'ok' };
    if (jsep?.type !== 'offer') {
      this.#echoes.get(handle)?.configure(body);
      return ok;
    }
    const echo = this.#echoFor(handle);
    echo.configure(body);
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

  #echoFor(handle: Handle): Echo {
    const known = this.#echoes.get(handle);
    if (known !== undefined && known.peer === handle.peer) return known;
    const echo = new Echo(handle.createPeer({ offering: false }));
    this.#echoes.set(handle, echo);
    return echo;
  }
}

/** As Janus does; a text that would be too long then goes as it came. */
function greet(text: string): string {
  const greeting = `Janus EchoTest here! You wrote: ${text}`;
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
  };
}

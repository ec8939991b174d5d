import { randomBytes } from 'node:crypto';
import { UsageError } from '../errors.js';
import { Emitter } from '../events.js';
import type { Logger } from '../logger.js';
import type { NativeSourceStats } from '../native/types.js';
import { option, readOptions } from '../options.js';
import type { Codec } from '../peer/codecs/index.js';
import type { Peer } from '../peer/peer.js';
import type { ExtensionName } from '../peer/sdp/extensions.js';
import { readMountpointOptions, type MountpointId, type MountpointOptions } from './mountpoint-options.js';
import type { UdpSource, UdpSourceFactory } from './udp-source.js';
import { Viewer, type ViewerEnd } from './viewer.js';

export type { MountpointId, MountpointMediaOptions, MountpointOptions } from './mountpoint-options.js';

/** One track of a mountpoint. */
export interface MountpointMedia {
  readonly index: number;
  /** Which of its kind it is. */
  readonly ordinal: number;
  readonly mid: string;
  readonly label: string;
  readonly msid: string | undefined;
  readonly codec: Codec;
  readonly payloadType: number;
  readonly fmtp: string | undefined;
  readonly multicast: string | undefined;
  readonly source: UdpSource;
}

export interface MountpointEvents {
  /** Packets of a track come (again). */
  live: [{ mid: string }];
  /** Packets of a track came, and no more. */
  stalled: [{ mid: string }];
  /** A packet was larger than what reaches viewers; once for each track. Bytes. */
  oversize: [{ mid: string; size: number; limit: number }];
  viewer: [{ viewer: Viewer; joined: boolean }];
  close: [];
}

export interface MountpointStats {
  viewers: number;
  media: ({ mid: string } & NativeSourceStats)[];
}

/** All mountpoints of a gateway. */
export class Mountpoints
  extends Emitter<{ created: [mountpoint: Mountpoint]; closed: [mountpoint: Mountpoint] }>
  implements Iterable<Mountpoint>
{
  readonly #sources: UdpSourceFactory;
  readonly #log: Logger;
  // "7" and 7 are one: whoever reads a log or a URL could not tell them apart.
  readonly #mountpoints = new Map<string, Mountpoint>();

  constructor(sources: UdpSourceFactory, logger: Logger) {
    super();
    this.#sources = sources;
    this.#log = logger;
  }

  get size(): number {
    return this.#mountpoints.size;
  }

  [Symbol.iterator](): Iterator<Mountpoint> {
    return this.#mountpoints.values();
  }

  get(id: MountpointId): Mountpoint | undefined {
    return this.#mountpoints.get(String(id));
  }

  /**
   * Makes a mountpoint and binds its ports. If one cannot be had, none is kept.
   *
   * @throws {@link UsageError} `HG_ERR_OPTION`, `HG_ERR_EXISTS`, `HG_ERR_INTERFACE`
   * @throws {@link ResourceError} `HG_ERR_PORT` names the port; `HG_ERR_SYSTEM`
   * @example
   * mountpoints.create({ id: 1, description: 'camera', media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 5004 }] });
   */
  create(options: MountpointOptions): Mountpoint {
    const { media, ...values } = readMountpointOptions('createMountpoint', options);
    const id = values.id === undefined || values.id === 0 ? this.#newId() : values.id;
    if (this.get(id)) throw new UsageError('HG_ERR_EXISTS', { what: `mountpoint ${String(id)}` });
    const name = values.name ?? `mp-${String(id)}`;
    const sources: UdpSource[] = [];
    try {
      for (const { given, codec } of media) {
        sources.push(
          this.#sources.createSource({
            codec,
            port: given.port,
            portRange: values.portRange,
            rtcpPort: given.rtcpPort,
            group: given.multicast,
            interface: given.interface,
            collision: values.collision,
            keyframeBuffer: values.keyframeBuffer,
          }),
        );
      }
    } catch (error) {
      for (const source of sources) source.close();
      throw error;
    }
    const mountpoint = new Mountpoint({
      ...values,
      id,
      name,
      description: values.description ?? name,
      media: media.map(({ given, codec, payloadType, fmtp, ordinal }, index) => ({
        index,
        ordinal,
        mid: given.mid,
        label: given.label ?? given.type,
        msid: given.msid,
        codec,
        payloadType,
        fmtp,
        multicast: given.multicast,
        source: sources[index] as UdpSource,
      })),
    });
    for (const { given, warnings } of media) {
      for (const warning of warnings) {
        this.#log.warn(
          { mountpoint: id, mid: given.mid },
          `${mountpoint.title}, ${given.type} "${given.mid}": ${warning}`,
        );
      }
    }
    mountpoint.on('oversize', ({ mid, size, limit }) => {
      this.#log.warn(
        { mountpoint: id, mid, size, limit },
        `${mountpoint.title}, "${mid}": packets of ${String(size)} bytes are more than the ${String(limit)} that reach viewers; ` +
          'let the sender make smaller ones (ffmpeg: ?pkt_size=1200 in the output URL; GStreamer: mtu=1200 on the payloader)',
      );
    });
    this.#mountpoints.set(String(id), mountpoint);
    mountpoint.once('close', () => {
      this.#mountpoints.delete(String(id));
      this.emit('closed', mountpoint);
    });
    this.#log.info({ mountpoint: id, ports: sources.map((source) => source.port) }, `${mountpoint.title} is open`);
    this.emit('created', mountpoint);
    return mountpoint;
  }

  /** Closes them all. */
  close(): void {
    for (const mountpoint of [...this.#mountpoints.values()]) mountpoint.close();
  }

  #newId(): number {
    for (;;) {
      // 53 bits: clients keep it in a double.
      const id = Number(randomBytes(8).readBigUInt64BE() >> 11n);
      if (id !== 0 && !this.get(id)) return id;
    }
  }
}

interface MountpointParts {
  id: MountpointId;
  name: string;
  description: string;
  metadata: string | undefined;
  isPrivate: boolean;
  secret: string | undefined;
  pin: string | undefined;
  media: MountpointMedia[];
  collision: number;
  keyframeBuffer: { ms: number; bytes: number };
  playoutDelay: boolean;
  e2ee: boolean;
}

/**
 * A live RTP source of one or more tracks that any number of viewers can
 * watch. The packets never enter JavaScript.
 *
 * @example
 * const mountpoint = await gateway.createMountpoint({
 *   id: 1, description: 'camera', media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 5004 }] });
 * mountpoint.on('stalled', ({ mid }) => console.log(`nothing comes on ${mid}`));
 */
export class Mountpoint extends Emitter<MountpointEvents> {
  readonly id: MountpointId;
  readonly name: string;
  /** Milliseconds; 0: a new SSRC takes over at once. */
  readonly collision: number;
  readonly keyframeBuffer: Readonly<{ ms: number; bytes: number }>;
  readonly media: readonly MountpointMedia[];
  /** The payload is encrypted between the ends. */
  readonly e2ee: boolean;
  readonly #playoutDelay: boolean;
  readonly #viewers = new Set<Viewer>();
  #description: string;
  #metadata: string | undefined;
  #isPrivate: boolean;
  #secret: string | undefined;
  #pin: string | undefined;
  #enabled = true;
  #closed = false;

  /** @internal Made by {@link Mountpoints.create}. */
  constructor(parts: MountpointParts) {
    super();
    this.id = parts.id;
    this.name = parts.name;
    this.collision = parts.collision;
    this.keyframeBuffer = parts.keyframeBuffer;
    this.media = parts.media;
    this.e2ee = parts.e2ee;
    this.#playoutDelay = parts.playoutDelay;
    this.#description = parts.description;
    this.#metadata = parts.metadata;
    this.#isPrivate = parts.isPrivate;
    this.#secret = parts.secret;
    this.#pin = parts.pin;
    for (const { mid, source } of this.media) {
      source.on('live', () => this.emit('live', { mid }));
      source.on('stalled', () => this.emit('stalled', { mid }));
      source.on('oversize', (sizes) => this.emit('oversize', { mid, ...sizes }));
    }
  }

  get description(): string {
    return this.#description;
  }
  get metadata(): string | undefined {
    return this.#metadata;
  }
  get isPrivate(): boolean {
    return this.#isPrivate;
  }
  get secret(): string | undefined {
    return this.#secret;
  }
  get pin(): string | undefined {
    return this.#pin;
  }
  get closed(): boolean {
    return this.#closed;
  }
  /** How errors and logs name it: `mountpoint 7 "camera"`. */
  get title(): string {
    return `mountpoint ${String(this.id)} ${JSON.stringify(this.#description.slice(0, 60))}`;
  }

  /** While false, what arrives is dropped. */
  get enabled(): boolean {
    return this.#enabled;
  }

  /** Packets come on at least one track. */
  get live(): boolean {
    return this.media.some(({ source }) => source.receiving);
  }

  /** Who watches, or was offered to and has not answered yet. */
  get viewers(): ReadonlySet<Viewer> {
    return this.#viewers;
  }

  /**
   * Lets packets in again.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`
   */
  enable(): void {
    this.#setEnabled(true);
  }

  /**
   * Drops what arrives, until {@link enable}. Viewers stay and see the last picture.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`
   */
  disable(): void {
    this.#setEnabled(false);
  }

  /**
   * Changes what may change. What is not named stays; `undefined` removes
   * metadata, secret or pin.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`, `HG_ERR_OPTION`
   * @example
   * mountpoint.update({ description: 'back door', pin: undefined });
   */
  update(changes: {
    description?: string;
    metadata?: string | undefined;
    isPrivate?: boolean;
    secret?: string | undefined;
    pin?: string | undefined;
  }): void {
    this.#mustBeOpen();
    const values = readOptions('update', changes, {
      description: option.string({ default: this.#description }),
      metadata: option.optional(option.string()),
      isPrivate: option.boolean({ default: this.#isPrivate }),
      secret: option.optional(option.string()),
      pin: option.optional(option.string()),
    });
    this.#description = values.description;
    this.#isPrivate = values.isPrivate;
    if ('metadata' in changes) this.#metadata = values.metadata;
    if ('secret' in changes) this.#secret = values.secret;
    if ('pin' in changes) this.#pin = values.pin;
  }

  /**
   * Asks for a keyframe of each video track that has an RTCP port. There is no
   * answer: if it got lost, ask again.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`
   */
  requestKeyframe(): void {
    this.#mustBeOpen();
    for (const { codec, source } of this.media) {
      if (codec.kind === 'video') source.requestKeyframe();
    }
  }

  /**
   * Lets a peer watch.
   *
   * @param mids - the tracks it shall get, in whatever order. Default: all
   * @throws {@link UsageError} `HG_ERR_CLOSED`; `HG_ERR_UNKNOWN` if none of the mids is there
   */
  addViewer(peer: Peer, mids?: readonly string[]): Viewer {
    this.#mustBeOpen();
    const media = mids === undefined ? this.media : this.media.filter(({ mid }) => mids.includes(mid));
    if (media.length === 0) throw new UsageError('HG_ERR_UNKNOWN', { what: `none of these tracks of ${this.title}` });
    const viewer = new Viewer(this, peer, media);
    this.adoptViewer(viewer);
    return viewer;
  }

  /** Ends all viewers. Their peers stay their owners' to close. */
  kickAll(): void {
    this.#mustBeOpen();
    this.#endViewers('kicked');
  }

  /** @throws {@link UsageError} `HG_ERR_CLOSED` */
  stats(): MountpointStats {
    this.#mustBeOpen();
    return {
      viewers: this.#viewers.size,
      media: this.media.map(({ mid, source }) => ({ mid, ...source.stats() })),
    };
  }

  /** Ends all viewers and gives the ports back. Closing twice does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#endViewers('mountpoint');
    for (const { source } of this.media) source.close();
    this.emit('close');
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** Header extensions that viewers are offered. @internal */
  extensionsFor(kind: 'audio' | 'video'): readonly ExtensionName[] {
    if (kind === 'audio') return ['mid'];
    return this.#playoutDelay ? ['mid', 'abs-send-time', 'playout-delay'] : ['mid', 'abs-send-time'];
  }

  /** @internal */
  adoptViewer(viewer: Viewer): void {
    this.#viewers.add(viewer);
    this.emit('viewer', { viewer, joined: true });
  }

  /** @internal */
  removeViewer(viewer: Viewer): void {
    if (this.#viewers.delete(viewer)) this.emit('viewer', { viewer, joined: false });
  }

  #setEnabled(enabled: boolean): void {
    this.#mustBeOpen();
    this.#enabled = enabled;
    for (const { source } of this.media) source.setEnabled(enabled);
  }

  #endViewers(reason: ViewerEnd): void {
    for (const viewer of [...this.#viewers]) viewer.close(reason);
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new UsageError('HG_ERR_CLOSED', { what: this.title });
  }
}

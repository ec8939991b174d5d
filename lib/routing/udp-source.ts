import { networkInterfaces } from 'node:os';
import { ResourceError, UsageError } from '../errors.js';
import { Emitter } from '../events.js';
import type { Logger } from '../logger.js';
import type {
  NativeEngine,
  NativeEvent,
  NativeFailure,
  NativeSource,
  NativeSourceStats,
  NativeUdpSourceOptions,
} from '../native/types.js';
import type { Codec } from '../peer/codecs/index.js';
import { linksOf, type Link } from './link.js';
import type { Source } from './source.js';

export interface UdpSourceEvents {
  /** Packets come (again). */
  live: [];
  /** Packets came, and no more. */
  stalled: [];
  /** A packet was larger than what reaches viewers; once. Bytes. */
  oversize: [{ size: number; limit: number }];
  close: [];
}

/** Where a source's packets arrive. */
export interface UdpSourceOptions {
  codec: Codec;
  /** 0: any out of `portRange`. */
  port: number;
  /** For ports that are 0. Default: whatever the system gives. */
  portRange?: readonly [number, number] | undefined;
  /** Undefined: no RTCP; 0: any port. */
  rtcpPort?: number | undefined;
  /** A multicast group to join, IPv4 or IPv6. */
  group?: string | undefined;
  /** Interface to listen on, or to join the group on: a name or an address of it. Default: all. */
  interface?: string | undefined;
  /** A new SSRC is dropped until the old one was silent this long, milliseconds; 0: switch freely. */
  collision?: number;
  /** Kept from the last keyframe on for newcomers. */
  keyframeBuffer?: { ms?: number; bytes?: number };
}

export interface UdpSourceFactory {
  /**
   * Binds the ports and starts to receive.
   *
   * @throws {@link ResourceError} `HG_ERR_PORT`, `HG_ERR_SYSTEM`
   * @throws {@link UsageError} `HG_ERR_INTERFACE`
   */
  createSource(options: UdpSourceOptions): UdpSource;
}

/** All live sources of a native engine: makes them and hands them their events. */
export class UdpSources implements UdpSourceFactory, Iterable<UdpSource> {
  readonly #engine: NativeEngine;
  readonly #log: Logger;
  readonly #sources = new Map<number, UdpSource>();

  constructor(engine: NativeEngine, logger: Logger) {
    this.#engine = engine;
    this.#log = logger;
  }

  get size(): number {
    return this.#sources.size;
  }

  [Symbol.iterator](): Iterator<UdpSource> {
    return this.#sources.values();
  }

  createSource(options: UdpSourceOptions): UdpSource {
    const source = new UdpSource(options.codec, openUdp(this.#engine, options));
    this.#sources.set(source.id, source);
    source.once('close', () => this.#sources.delete(source.id));
    this.#log.debug({ source: source.id, port: source.port, rtcpPort: source.rtcpPort }, 'source opened');
    return source;
  }

  /** Whether the event was one for a source of ours. Events for sources that are gone are dropped. */
  handleNativeEvent(event: NativeEvent): boolean {
    if (!('source' in event)) return false;
    this.#sources.get(event.source)?.handleNativeEvent(event);
    return true;
  }
}

/** A track that comes as RTP on a port. */
export class UdpSource extends Emitter<UdpSourceEvents> implements Source {
  readonly codec: Codec;
  readonly id: number;
  /** Where RTP arrives. */
  readonly port: number;
  /** Where RTCP arrives; 0: nowhere. */
  readonly rtcpPort: number;
  /** @internal */
  readonly encodings: readonly [NativeSource];
  readonly #native: NativeSource;
  #receiving = false;
  #enabled = true;
  #closed = false;

  constructor(codec: Codec, native: NativeSource) {
    super();
    this.codec = codec;
    this.#native = native;
    this.encodings = [native];
    this.id = native.id;
    this.port = native.port;
    this.rtcpPort = native.rtcpPort;
  }

  get kind(): 'audio' | 'video' {
    return this.codec.kind;
  }

  get title(): string {
    return `the source on port ${String(this.port)}`;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Packets come. */
  get receiving(): boolean {
    return this.#receiving;
  }

  /** Who gets it. */
  get links(): ReadonlySet<Link> {
    return linksOf(this);
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  /**
   * Asks whoever feeds us for a keyframe (PLI, RFC 4585 section 6.3.1), which
   * takes an RTCP port. Requests are merged; there is no answer.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`
   */
  requestKeyframe(): void {
    this.#mustBeOpen();
    this.#native.requestKeyframe();
  }

  /**
   * While disabled, what arrives is dropped.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`
   */
  setEnabled(enabled: boolean): void {
    this.#mustBeOpen();
    this.#enabled = enabled;
    this.#native.setEnabled(enabled);
  }

  /** @throws {@link UsageError} `HG_ERR_CLOSED` */
  stats(): NativeSourceStats {
    this.#mustBeOpen();
    return this.#native.stats();
  }

  /** Gives the ports back and ends the links. Closing twice does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#receiving = false;
    // Each link listens for it and detaches its sink.
    this.emit('close');
    this.#native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** For the gateway, which gets the events of all native objects. */
  handleNativeEvent(event: NativeEvent): void {
    if (this.#closed) return;
    if (event.type === 'source-receiving') {
      if (event.receiving === this.#receiving) return;
      this.#receiving = event.receiving;
      this.emit(event.receiving ? 'live' : 'stalled');
    } else if (event.type === 'source-oversize') {
      this.emit('oversize', { size: event.size, limit: event.limit });
    }
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new UsageError('HG_ERR_CLOSED', { what: this.title });
  }
}

function openUdp(engine: NativeEngine, options: UdpSourceOptions): NativeSource {
  const { codec, group, collision = 0, keyframeBuffer = {} } = options;
  const [portMin, portMax] = options.portRange ?? [0, 0];
  const native: NativeUdpSourceOptions = {
    kind: codec.kind,
    codec: codec.encodingName.toLowerCase(),
    clockRate: codec.clockRate,
    port: options.port,
    portMin,
    portMax,
    collision,
    keyframeBufferMs: keyframeBuffer.ms ?? 0,
    keyframeBufferBytes: keyframeBuffer.bytes ?? 0,
  };
  if (options.rtcpPort !== undefined) native.rtcpPort = options.rtcpPort;
  if (options.interface !== undefined) {
    const address = addressOf(options.interface);
    if (group === undefined) native.address = address;
    else native.interface = options.interface;
  }
  if (group !== undefined) native.group = group;
  try {
    return engine.createUdpSource(native);
  } catch (error) {
    throw explain(error as NativeFailure, options);
  }
}

/**
 * An address of the interface with that name or address; IPv4 if there is one.
 *
 * @throws {@link UsageError} `HG_ERR_INTERFACE`
 */
export function addressOf(nameOrAddress: string): string {
  const interfaces = networkInterfaces();
  const named = interfaces[nameOrAddress];
  const address = named?.find(({ family }) => family === 'IPv4') ?? named?.[0];
  if (address) return address.address;
  const known = Object.values(interfaces).flatMap((addresses) => addresses ?? []);
  if (!known.some((other) => other.address === nameOrAddress)) {
    throw new UsageError('HG_ERR_INTERFACE', {
      interface: nameOrAddress.slice(0, 64),
      known: Object.keys(interfaces).join(', '),
    });
  }
  return nameOrAddress;
}

function explain(failure: NativeFailure, { port, rtcpPort, portRange, group }: UdpSourceOptions): Error {
  const ports = [port, rtcpPort].filter((one) => one !== undefined && one !== 0).join(' or ');
  const named = ports === '' ? (portRange ? `any of ${portRange.join('-')}` : 'any') : ports;
  switch (failure.code) {
    case 'EADDRINUSE':
      return new ResourceError('HG_ERR_PORT', { port: named, reason: 'in use' }, { cause: failure });
    case 'EACCES':
      return new ResourceError('HG_ERR_PORT', { port: named, reason: 'not allowed' }, { cause: failure });
    case 'HG_ERR_CLOSED':
      return new UsageError('HG_ERR_CLOSED', { what: 'the gateway' }, { cause: failure });
    default: {
      const what = group === undefined ? `receiving on port ${named}` : `joining ${group} on port ${named}`;
      return new ResourceError('HG_ERR_SYSTEM', { what, reason: failure.message }, { cause: failure });
    }
  }
}

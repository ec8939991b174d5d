import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ResourceError, UsageError, type GatewayError } from '../errors.js';
import { Emitter } from '../events.js';
import type { Logger } from '../logger.js';
import { fileFailureReason, isShortage } from '../native/file-failure.js';
import type { NativeEngine, NativeEvent, NativeFailure, NativeRecorder, NativeSource } from '../native/types.js';
import { option, optionError, readOptions, type Option } from '../options.js';
import type { Codec } from '../peer/codecs/index.js';
import { codecOption } from './codec-option.js';
import type { MjrInfo } from './mjr.js';
import type { Sink } from './sink.js';
import type { Source } from './source.js';

export interface RecorderEvents {
  /** The disk does not keep up: packets were left out, so many since the start. At most once a second. */
  full: [{ dropped: number }];
  /** The file cannot be written any more: the disk is full, the file was removed. What it holds can be read. `close` follows. */
  error: [error: GatewayError];
  /** The file is finished, and has its name. */
  close: [];
}

export interface RecorderStats {
  /** RTP packets or messages in the file, or to be there within a second. */
  packets: number;
  /** Of the file. */
  bytes: number;
  /** Left out because the disk did not keep up; a gap in the sequence numbers. */
  dropped: number;
  /** From the first packet to the newest, milliseconds. */
  duration: number;
}

interface CommonOptions {
  /** The file; `.mjr` is added if it is not there, and folders are made. A recording of that name is replaced. */
  path: string;
  /** Kept in the file, for people. */
  description?: string | undefined;
  /** The media is encrypted between the ends, and kept so. Default false. */
  endToEndEncrypted?: boolean | undefined;
}

/** What {@link Gateway.createRecorder} takes. */
export interface RecorderOptions extends CommonOptions {
  /** Of the sources it will be linked to; a name such as `vp8`, or a source's `codec`. */
  codec: string | Codec;
  /** The codec's parameters (`a=fmtp`), for whoever plays the file. */
  fmtp?: string | undefined;
  /** The header extensions (RFC 8285) in the packets: id → URI. */
  extensions?: Readonly<Record<number, string>> | undefined;
  /** Payload type of RED (RFC 2198), if packets have it. */
  redPayloadType?: number | undefined;
}

/** What {@link Gateway.createDataRecorder} takes. */
export interface DataRecorderOptions extends CommonOptions {
  /** Of the messages. Default `text`. */
  format?: 'text' | 'binary' | undefined;
}

export interface RecorderFactory {
  /**
   * Makes the file of a recording.
   *
   * @throws {@link UsageError} `HG_ERR_OPTION`, `HG_ERR_CLOSED`; `HG_ERR_RECORDING` if the path cannot be written to
   * @throws {@link ResourceError} `HG_ERR_RECORDING` if the disk is full, or files are too many
   */
  createRecorder(options: RecorderOptions): Recorder;
  /** The same for data channel messages. */
  createDataRecorder(options: DataRecorderOptions): DataRecorder;
}

const extensionsOption: Option<Readonly<Record<string, string>>> = {
  read(path, value) {
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
    const isRight = ([id, uri]: [string, unknown]): boolean => /^([1-9]\d{0,2})$/.test(id) && typeof uri === 'string';
    if (!isMap || !Object.entries(value).every(isRight)) throw optionError(path, 'an object of id → URI', value);
    return value as Record<string, string>;
  },
};

const COMMON_SPEC = {
  // The system would take a NUL for the end of the name.
  path: option.string({ pattern: /^[^\0]+$/, expected: 'a path' }),
  description: option.optional(option.string()),
  endToEndEncrypted: option.boolean({ default: false }),
};
const SPEC = {
  ...COMMON_SPEC,
  codec: codecOption,
  fmtp: option.optional(option.string()),
  extensions: option.optional(extensionsOption),
  redPayloadType: option.optional(option.integer({ min: 0, max: 127 })),
};
const DATA_SPEC = { ...COMMON_SPEC, format: option.oneOf(['text', 'binary'], { default: 'text' }) };

/** The head leaves room for the time of the first frame in the 64 KiB that the format has for it. */
const MAX_INFO = 60_000;

/** All live recorders of a native engine: makes them and hands them their events. */
export class Recorders implements RecorderFactory {
  readonly #engine: NativeEngine;
  readonly #log: Logger;
  readonly #temporaryExtension: string | undefined;
  readonly #recorders = new Map<number, Recorder | DataRecorder>();
  #dropped = 0;

  /** @param temporaryExtension - behind the name of a file that is being written: `tmp` makes it `talk.mjr.tmp` */
  constructor(engine: NativeEngine, logger: Logger, temporaryExtension?: string) {
    this.#engine = engine;
    this.#log = logger;
    this.#temporaryExtension = temporaryExtension;
  }

  /** Of all there were: what was left out, as `full` events told. */
  get dropped(): number {
    return this.#dropped;
  }

  get size(): number {
    return this.#recorders.size;
  }

  createRecorder(options: RecorderOptions): Recorder {
    const { codec, ...settings } = readOptions('createRecorder', options, SPEC);
    const { fmtp, extensions, redPayloadType } = settings;
    const path = fileOf(settings.path);
    const native = this.#open(codec.kind, path, {
      t: codec.kind === 'audio' ? 'a' : 'v',
      c: codec.name,
      ...(fmtp === undefined ? {} : { f: fmtp }),
      ...about(settings),
      ...(extensions === undefined || Object.keys(extensions).length === 0 ? {} : { x: { ...extensions } }),
      s: Date.now() * 1000,
      ...(redPayloadType === undefined ? {} : { or: redPayloadType }),
      ...(settings.endToEndEncrypted ? { e: true } : {}),
    });
    return this.#add(new Recorder(path, native, codec));
  }

  createDataRecorder(options: DataRecorderOptions): DataRecorder {
    const { format, ...settings } = readOptions('createDataRecorder', options, DATA_SPEC);
    const path = fileOf(settings.path);
    const native = this.#open('data', path, {
      t: 'd',
      c: format,
      ...about(settings),
      s: Date.now() * 1000,
      ...(settings.endToEndEncrypted ? { e: true } : {}),
    });
    return this.#add(new DataRecorder(path, native));
  }

  /** Whether the event was one for a recorder of ours. Events for recorders that are gone are dropped. */
  handleNativeEvent(event: NativeEvent): boolean {
    if (!('recorder' in event)) return false;
    this.#recorders.get(event.recorder)?.handleNativeEvent(event);
    return true;
  }

  /** After the engine closed: all files are finished, and no event will come any more. */
  engineClosed(): void {
    for (const recorder of [...this.#recorders.values()]) {
      recorder.handleNativeEvent({ type: 'recorder-closed', recorder: recorder.id, code: '', message: '' });
    }
  }

  #open(kind: 'audio' | 'video' | 'data', path: string, info: Omit<MjrInfo, 'u'>): NativeRecorder {
    const json = JSON.stringify(info);
    if (Buffer.byteLength(json) > MAX_INFO) {
      throw new UsageError('HG_ERR_LIMIT', {
        what: `what is to be said of ${path}`,
        limit: `${String(MAX_INFO)} bytes`,
      });
    }
    const temporaryPath = this.#temporaryExtension === undefined ? path : `${path}.${this.#temporaryExtension}`;
    try {
      mkdirSync(dirname(path), { recursive: true });
      return this.#engine.createRecorder({ kind, info: json, path, temporaryPath });
    } catch (error) {
      throw explain(error as NativeFailure, path);
    }
  }

  #add<R extends Recorder | DataRecorder>(recorder: R): R {
    const { id, path } = recorder;
    this.#recorders.set(id, recorder);
    recorder.once('close', () => this.#recorders.delete(id));
    let told = 0;
    recorder.on('full', ({ dropped }) => {
      this.#dropped += dropped - told;
      told = dropped;
      this.#log.warn({ path, dropped }, 'a recording does not keep up');
    });
    recorder.on('error', (error) => this.#log.error({ err: error, path }, 'a recording failed'));
    this.#log.debug({ recorder: id, path }, 'recording opened');
    return recorder;
  }
}

/** One file. @internal */
abstract class MjrRecorder extends Emitter<RecorderEvents> implements AsyncDisposable {
  /** The finished file, absolute. */
  readonly path: string;
  /** @internal */
  readonly id: number;
  protected readonly native: NativeRecorder;
  #closed = false;
  readonly #finished: Promise<void>;

  constructor(path: string, native: NativeRecorder) {
    super();
    this.path = path;
    this.native = native;
    this.id = native.id;
    this.#finished = new Promise((done) => this.once('close', done));
  }

  /** Nothing more is recorded. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Also once it is closed. */
  stats(): RecorderStats {
    return this.native.stats();
  }

  /**
   * Ends the recording. Resolves when the file is finished and has its name, or
   * could not be written any more, of which an `error` event told. Closing twice
   * does nothing more.
   */
  close(): Promise<void> {
    this.#end();
    return this.#finished;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  handleNativeEvent(event: Extract<NativeEvent, { recorder: number }>): void {
    if (event.type === 'recorder-full') {
      this.emit('full', { dropped: event.dropped });
      return;
    }
    this.#end();
    if (event.code !== '') {
      const failure = Object.assign(new Error(event.message), { code: event.code });
      this.emit('error', new ResourceError('HG_ERR_RECORDING', reasonOf(failure, this.path), { cause: failure }));
    }
    this.emit('close');
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.native.close();
  }
}

/**
 * Writes one track to an .mjr file, as Janus does: every RTP packet with the time
 * it came. It is a sink: link a source to it. Numbers and timestamps go on
 * whatever happens to the source; a video begins with a keyframe, which is asked
 * for. The packets do not pass through JavaScript.
 *
 * @example
 * const recorder = gateway.createRecorder({ path: '/tmp/42-video', codec: camera.codec });
 * link(camera, recorder);
 * recorder.on('error', ({ message }) => console.error(message));
 * await recorder.close();
 */
export class Recorder extends MjrRecorder implements Sink {
  readonly codec: Codec;

  /** @internal Made by {@link RecorderFactory.createRecorder}. */
  constructor(path: string, native: NativeRecorder, codec: Codec) {
    super(path, native);
    this.codec = codec;
  }

  get kind(): 'audio' | 'video' {
    return this.codec.kind;
  }

  /** A file has one codec. */
  refuses(source: Source): string | undefined {
    if (source.codec === this.codec) return undefined;
    return `it records ${this.codec.name}, the source is ${source.codec.name}`;
  }

  /** @internal */
  attach(encodings: readonly NativeSource[] | null): void {
    if (!this.closed) this.native.link(encodings?.at(-1) ?? null);
  }

  /** While paused nothing is recorded; afterwards a keyframe is asked for. */
  setPaused(paused: boolean): void {
    if (!this.closed) this.native.setPaused(paused);
  }
}

/**
 * Writes messages to an .mjr file, each with the time of day.
 *
 * @example
 * const chat = gateway.createDataRecorder({ path: '/tmp/42-data' });
 * chat.write('hello');
 */
export class DataRecorder extends MjrRecorder {
  /**
   * Records a message. False: it is longer than 65,527 bytes, or the disk does not
   * keep up, which `stats()` counts.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`
   */
  write(message: string | Uint8Array): boolean {
    if (this.closed) throw new UsageError('HG_ERR_CLOSED', { what: `the recording ${this.path}` });
    return this.native.write(typeof message === 'string' ? new TextEncoder().encode(message) : message);
  }
}

function about({ description }: { description: string | undefined }): { d?: string } {
  return description === undefined ? {} : { d: description };
}

function fileOf(path: string): string {
  return resolve(path.endsWith('.mjr') ? path : `${path}.mjr`);
}

function reasonOf(failure: NativeFailure, path: string): { path: string; reason: string; errno: string } {
  const { code } = failure;
  return { path, reason: code === 'EBUSY' ? 'it is being recorded already' : fileFailureReason(failure), errno: code };
}

function explain(failure: NativeFailure, path: string): GatewayError {
  if (failure.code === 'HG_ERR_CLOSED')
    return new UsageError('HG_ERR_CLOSED', { what: 'the gateway' }, { cause: failure });
  const Class = isShortage(failure) ? ResourceError : UsageError;
  return new Class('HG_ERR_RECORDING', reasonOf(failure, path), { cause: failure });
}

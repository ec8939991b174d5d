import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ResourceError, UsageError, type GatewayError } from '../errors.js';
import { Emitter } from '../events.js';
import type { Logger } from '../logger.js';
import { fileFailureReason, isShortage } from '../native/file-failure.js';
import type { NativeCapture, NativeEngine, NativeEvent, NativeFailure, NativePeer } from '../native/types.js';
import { option, readOptions } from '../options.js';

/** `pcap`: what Wireshark opens; `text2pcap`: lines of text, for people and for `text2pcap -D -t %H:%M:%S.%f -u 1000,2000`. */
export type CaptureFormat = 'pcap' | 'text2pcap';

export interface CaptureEvents {
  /** The disk does not keep up: packets were left out, so many since the start. At most once a second. */
  full: [{ dropped: number }];
  /** The file cannot be written any more: the disk is full, the file was removed. What it holds can be read. `close` follows. */
  error: [error: GatewayError];
  /** The file is complete. */
  close: [];
}

/** What {@link Peer.capture} and {@link Gateway.createCapture} take. */
export interface CaptureOptions {
  /** The file; folders are made. A capture of the same format is continued, any other file is left alone. */
  path: string;
  /** Default `pcap`. */
  format?: CaptureFormat | undefined;
  /** How many bytes are kept of each packet, from its RTP or RTCP header on; 0, the default: all. */
  truncate?: number | undefined;
  /** Of the format `text2pcap`: stands at the end of each line. */
  label?: string | undefined;
}

export interface CaptureStats {
  /** In the file, or to be there within a second. */
  packets: number;
  /** Of the file. */
  bytes: number;
  /** Left out because the disk did not keep up, as of the last fifth of a second. */
  dropped: number;
}

export interface CaptureFactory {
  /**
   * Makes the file of a capture.
   *
   * @throws {@link UsageError} `HG_ERR_OPTION`, `HG_ERR_CLOSED`; `HG_ERR_CAPTURE` if the path cannot be written to
   * @throws {@link ResourceError} `HG_ERR_CAPTURE` if the disk is full, or files are too many
   */
  createCapture(options: CaptureOptions): Capture;
}

/** A packet is no longer, as it is captured. */
const MAX_PACKET = 65_535;

const SPEC = {
  // The system would take a NUL for the end of the name.
  path: option.string({ pattern: /^[^\0]+$/, expected: 'a path' }),
  format: option.oneOf(['pcap', 'text2pcap'], { default: 'pcap' }),
  truncate: option.integer({ min: 0, default: 0 }),
  label: option.string({ pattern: /^[\x20-\x7e]{0,200}$/, expected: 'a text of one line', default: '' }),
};

/**
 * The plain RTP and RTCP packets of a peer in a file, both directions: what came
 * before anything was done with it, what left as it was sent, resends too. Data
 * channels are not in it. A peer that sends is at 10.1.1.1, port 1000, and we are
 * at 10.2.2.2, port 2000, whatever the network was. The packets do not pass
 * through JavaScript, and no file holds up media: what a slow disk cannot take is
 * left out and counted.
 *
 * @example
 * const capture = peer.capture({ path: '/tmp/ada.pcap', truncate: 64 });
 * capture.on('error', ({ message }) => console.error(message));
 * await capture.close();
 */
export class Capture extends Emitter<CaptureEvents> implements AsyncDisposable {
  /** The file, absolute. */
  readonly path: string;
  readonly format: CaptureFormat;
  /** @internal */
  readonly id: number;
  readonly #native: NativeCapture;
  #closed = false;
  readonly #finished: Promise<void>;

  /** @internal Made by {@link CaptureFactory.createCapture}. */
  constructor(path: string, format: CaptureFormat, native: NativeCapture) {
    super();
    this.path = path;
    this.format = format;
    this.id = native.id;
    this.#native = native;
    this.#finished = new Promise((done) => this.once('close', done));
  }

  /** Nothing more is captured. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Also once it is closed. */
  stats(): CaptureStats {
    return this.#native.stats();
  }

  /**
   * Ends the capture; the peers go on. Resolves when the file is complete, or
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

  /**
   * For the peer that is captured from now on.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`
   * @throws {@link ResourceError} `HG_ERR_CAPTURE` if too many peers are
   * @internal
   */
  attach(peer: NativePeer): void {
    if (this.#closed) throw new UsageError('HG_ERR_CLOSED', { what: `the capture ${this.path}` });
    if (peer.capture(this.#native)) return;
    throw new ResourceError('HG_ERR_CAPTURE', { path: this.path, reason: 'too many peers are captured at once' });
  }

  /** @internal */
  handleNativeEvent(event: Extract<NativeEvent, { capture: number }>): void {
    if (event.type === 'capture-full') {
      this.emit('full', { dropped: event.dropped });
      return;
    }
    this.#end();
    if (event.code !== '') {
      const failure = Object.assign(new Error(event.message), { code: event.code });
      const details = { path: this.path, reason: reasonOf(failure), errno: event.code };
      this.emit('error', new ResourceError('HG_ERR_CAPTURE', details, { cause: failure }));
    }
    this.emit('close');
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#native.close();
  }
}

/** All live captures of a native engine: makes them and hands them their events. */
export class Captures implements CaptureFactory {
  readonly #engine: NativeEngine;
  readonly #log: Logger;
  readonly #captures = new Map<number, Capture>();

  constructor(engine: NativeEngine, logger: Logger) {
    this.#engine = engine;
    this.#log = logger;
  }

  get size(): number {
    return this.#captures.size;
  }

  createCapture(options: CaptureOptions): Capture {
    const { path: given, format, truncate, label } = readOptions('createCapture', options, SPEC);
    const path = resolve(given);
    const capture = new Capture(path, format, this.#open(path, format, truncate, label));
    this.#captures.set(capture.id, capture);
    capture.once('close', () => this.#captures.delete(capture.id));
    capture.on('full', ({ dropped }) => this.#log.warn({ path, dropped }, 'a capture does not keep up'));
    capture.on('error', (error) => this.#log.error({ err: error, path }, 'a capture failed'));
    this.#log.info({ capture: capture.id, path }, 'packets are captured');
    return capture;
  }

  /** Whether the event was one for a capture of ours. Events for captures that are gone are dropped. */
  handleNativeEvent(event: NativeEvent): boolean {
    if (!('capture' in event)) return false;
    this.#captures.get(event.capture)?.handleNativeEvent(event);
    return true;
  }

  /** After the engine closed: all files are complete, and no event will come any more. */
  engineClosed(): void {
    for (const capture of [...this.#captures.values()]) {
      capture.handleNativeEvent({ type: 'capture-closed', capture: capture.id, code: '', message: '' });
    }
  }

  #open(path: string, format: CaptureFormat, truncate: number, label: string): NativeCapture {
    try {
      mkdirSync(dirname(path), { recursive: true });
    } catch (error) {
      throw explain(error as NativeFailure, path, fileFailureReason(error as NativeFailure));
    }
    try {
      return this.#engine.createCapture({ path, format, truncate: Math.min(truncate, MAX_PACKET), label });
    } catch (error) {
      throw explain(error as NativeFailure, path);
    }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EBUSY: 'another capture writes to it',
  EEXIST: 'there is a file of that name that is no such capture',
  ELOOP: 'it is a symbolic link',
};

function reasonOf(failure: NativeFailure): string {
  return REASONS[failure.code] ?? fileFailureReason(failure);
}

function explain(failure: NativeFailure, path: string, reason = reasonOf(failure)): GatewayError {
  if (failure.code === 'HG_ERR_CLOSED')
    return new UsageError('HG_ERR_CLOSED', { what: 'the gateway' }, { cause: failure });
  const Class = isShortage(failure) ? ResourceError : UsageError;
  return new Class('HG_ERR_CAPTURE', { path, reason, errno: failure.code }, { cause: failure });
}

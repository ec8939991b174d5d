import { randomBytes } from 'node:crypto';
import { GatewayError } from '../../errors.js';
import type { Capture, CaptureFormat } from '../../peer/capture.js';
import type { Peer } from '../../peer/peer.js';
import { API_ERROR, ApiError } from '../../session/api-error.js';
import type { SessionHandle } from '../../session/handle.js';
import type { SignallingGateway } from '../janus-api.js';

/** What `start_pcap` and `start_text2pcap` are asked for. */
export interface CaptureRequest {
  folder?: string | undefined;
  /** Default: a name of its own. */
  filename?: string | undefined;
  /** Bytes of each packet; 0: all. */
  truncate: number;
}

interface Running {
  readonly capture: Capture;
  /** The file, as it was asked for. */
  readonly file: string;
}

/**
 * The packet captures of handles. A handle has at most one; it goes on from peer
 * to peer, and ends when it is stopped, with the handle, or when the file cannot
 * be written any more.
 */
export class HandleCaptures {
  readonly #gateway: SignallingGateway;
  readonly #running = new WeakMap<SessionHandle, Running>();

  constructor(gateway: SignallingGateway) {
    this.#gateway = gateway;
  }

  /**
   * Begins to capture a handle's peer, or the peer it will have.
   *
   * @throws {@link ApiError} 490 if it is captured, or the file cannot be written
   */
  start(handle: SessionHandle, format: CaptureFormat, request: CaptureRequest): void {
    const before = this.#running.get(handle)?.capture ?? handle.peer?.captured;
    if (before) throw refused(`the handle is captured to ${before.path} already`);
    const file = fileOf(format, request);
    const capture = this.#create(handle, { path: file, format, truncate: request.truncate });
    const follow = (peer: Peer): void => {
      try {
        peer.captureTo(capture);
      } catch (error) {
        this.#gateway.logger.warn({ err: error, handle: handle.id }, 'a peer is not captured');
      }
    };
    const end = (): void => void capture.close();
    handle.on('peer', follow);
    handle.once('close', end);
    this.#running.set(handle, { capture, file });
    capture.once('close', () => {
      handle.off('peer', follow);
      handle.off('close', end);
      if (this.#running.get(handle)?.capture === capture) this.#running.delete(handle);
    });
  }

  /**
   * Ends it; the file is complete then.
   *
   * @returns how many packets the disk was too slow for
   * @throws {@link ApiError} 490 if there is none
   */
  async stop(handle: SessionHandle): Promise<number> {
    const running = this.#running.get(handle);
    if (running === undefined) throw refused('the handle is not captured');
    this.#running.delete(handle);
    await running.capture.close();
    return running.capture.stats().dropped;
  }

  /** What `handle_info` says of it. */
  info(handle: SessionHandle): object {
    const running = this.#running.get(handle);
    if (running === undefined) return {};
    const { capture, file } = running;
    return { [`dump-to-${capture.format}`]: true, [`${capture.format}-file`]: file };
  }

  #create(handle: SessionHandle, options: { path: string; format: CaptureFormat; truncate: number }): Capture {
    const { createCapture } = this.#gateway;
    if (createCapture === undefined) throw refused('packets cannot be captured here');
    const label = `[session=${String(handle.sessionId)}][handle=${String(handle.id)}]`;
    let capture: Capture | undefined;
    try {
      capture = createCapture.call(this.#gateway, { ...options, label });
      if (handle.peer?.closed === false) handle.peer.captureTo(capture);
      return capture;
    } catch (error) {
      void capture?.close();
      if (error instanceof GatewayError) throw refused(error.message);
      throw error;
    }
  }
}

function fileOf(format: CaptureFormat, { folder, filename }: CaptureRequest): string {
  const extension = format === 'pcap' ? 'pcap' : 'txt';
  const name = filename ?? `headgate-${randomBytes(6).toString('hex')}.${extension}`;
  if (name === '') throw refused('"filename" is empty');
  if (folder === '') throw refused('"folder" is empty');
  return folder === undefined ? name : `${folder}/${name}`;
}

function refused(reason: string): ApiError {
  return new ApiError(API_ERROR.UNKNOWN, reason);
}

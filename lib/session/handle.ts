import { Emitter } from '../events.js';
import { RemoteError, UsageError } from '../errors.js';
import type { Logger } from '../logger.js';
import { silentLogger } from '../logger.js';
import type { HangupReason, Peer, PeerOptions } from '../peer/peer.js';
import type { Handle, Jsep, PushOptions, RemoteJsep } from '../plugins/handle.js';
import type { Plugin, Request, RequestContext } from '../plugins/plugin.js';
import { Reply } from '../plugins/plugin.js';
import { API_ERROR, ApiError } from './api-error.js';
import { FullTrickle } from './full-trickle.js';
import type { Candidate, TrickleRequest } from './jsep.js';
import { readCandidates, readJsep, writeJsep } from './jsep.js';
import { EarlyCandidates } from './early-candidates.js';
import { copyOf, errorDataOf } from './plugin-answer.js';

/** What a handle needs of the session it belongs to. */
export interface HandleOwner {
  readonly id: number;
  readonly logger: Logger;
  createPeer(options?: PeerOptions): Peer;
  /** Sends an event to the client. */
  deliver(event: object): void;
  /** The handle closed itself: forget it. */
  forget(handle: SessionHandle): void;
}

/** What a handle is made with besides what it belongs to. */
export interface SessionHandleOptions {
  opaqueId?: string | undefined;
  token?: string | undefined;
  /** Whether events and replies show the opaque id. Default false. */
  showOpaqueId?: boolean;
  /** Whether our candidates come in `trickle` events. Default false. */
  fullTrickle?: boolean;
  /** How long candidates wait for the peer, in milliseconds. */
  candidatesTimeout: number;
}

/** What became of a message: an answer, or the promise of an event. */
export type Delivery =
  | { kind: 'success'; data: object }
  /** Call `run` after the client was told; it ends when the plugin is done. */
  | { kind: 'ack'; run: () => Promise<void> };

/** What a plugin answered, or the error it answered with. */
type Answer = { data: object; jsep?: Reply['jsep'] } | undefined;

/** Events of a handle. */
export interface SessionHandleEvents {
  /** The peer is new; for those who observe. */
  peer: [peer: Peer];
  /** A session description came from the client, or goes there. */
  jsep: [owner: 'local' | 'remote', jsep: Jsep];
  /** The peer is gone. */
  hangup: [reason: HangupReason];
  /** Final. */
  close: [];
}

/**
 * One client's attachment to a plugin: gives the client's messages to the
 * plugin and owns the peer the plugin makes for it.
 */
export class SessionHandle extends Emitter<SessionHandleEvents> implements Handle {
  /** Requests that may wait for the plugin; more are refused. */
  static readonly MAX_REQUESTS = 256;

  readonly id: number;
  readonly opaqueId: string | undefined;
  readonly token: string | undefined;
  readonly plugin: Plugin;
  /** When it was made, by `performance.now()`. */
  readonly createdAt = performance.now();
  data: unknown = undefined;

  readonly #owner: HandleOwner;
  readonly #showOpaqueId: boolean;
  readonly #early: EarlyCandidates;
  readonly #fullTrickle: FullTrickle | undefined;
  #peer: Peer | null = null;
  #closed = false;
  #endToEndEncrypted = false;
  /** Requests given to the plugin and not answered yet, and those that wait their turn. */
  #pending = 0;
  readonly #queue: (() => Promise<void>)[] = [];
  #draining = false;
  /** Of the last offer: whether more candidates follow it. */
  #offerTrickles = true;

  constructor(id: number, plugin: Plugin, owner: HandleOwner, options: SessionHandleOptions) {
    super();
    this.id = id;
    this.plugin = plugin;
    this.opaqueId = options.opaqueId;
    this.token = options.token;
    this.#owner = owner;
    this.#showOpaqueId = options.showOpaqueId ?? false;
    this.#early = new EarlyCandidates(options.candidatesTimeout);
    this.#fullTrickle = options.fullTrickle === true ? new FullTrickle() : undefined;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get sessionId(): number {
    return this.#owner.id;
  }

  get peer(): Peer | null {
    return this.#peer;
  }

  /** The client said of its last description that media is encrypted between the ends. */
  get endToEndEncrypted(): boolean {
    return this.#endToEndEncrypted;
  }

  /** Candidates that wait for the peer. */
  get earlyCandidates(): number {
    return this.#early.size;
  }

  /** Candidates that came too early and found no room. */
  get droppedCandidates(): number {
    return this.#early.dropped;
  }

  /** What replies and events about this handle say of it besides its id. */
  get labels(): { opaque_id?: string } {
    return this.#showOpaqueId && this.opaqueId !== undefined ? { opaque_id: this.opaqueId } : {};
  }

  // ---- for the plugin -----------------------------------------------------------

  createPeer(options?: PeerOptions): Peer {
    if (this.#closed) throw new UsageError('HG_ERR_CLOSED', { what: `Handle ${String(this.id)}` });
    // Closed by the plugin itself, and not reported yet.
    if (this.#peer?.closed === true) this.#peerClosed('Close PC');
    if (this.#peer !== null) {
      throw new UsageError('HG_ERR_STATE', { what: `Handle ${String(this.id)}`, reason: 'it has a peer already' });
    }
    const peer = this.#owner.createPeer(options);
    this.#peer = peer;
    this.#listen(peer);
    this.emit('peer', peer);
    return peer;
  }

  push(data: object, options: PushOptions = {}): void {
    const copy = this.#copy(data);
    if (this.#closed) return;
    const { jsep, candidates = [] } =
      options.jsep && this.#fullTrickle ? this.#fullTrickle.split(options.jsep) : { jsep: options.jsep };
    if (jsep !== undefined) this.emit('jsep', 'local', jsep);
    this.#owner.deliver({
      janus: 'event',
      session_id: this.#owner.id,
      ...(options.transaction === undefined ? {} : { transaction: options.transaction }),
      sender: this.id,
      ...this.labels,
      plugindata: { plugin: this.plugin.package, data: copy },
      ...(jsep === undefined ? {} : { jsep: writeJsep(jsep) }),
    });
    for (const candidate of candidates) this.#event('trickle', { candidate });
  }

  hangup(reason: HangupReason): void {
    const peer = this.#peer;
    if (peer === null) return;
    peer.close(reason);
    // It reports its end when all is given back; we need not wait for that, and
    // the handle can have a new one at once.
    if (this.#peer === peer) this.#peerClosed(reason);
  }

  // ---- for the session ----------------------------------------------------------

  /**
   * Gives a message to the plugin.
   *
   * @param jsep - as the client sent it; undefined when there was none
   * @throws {@link ApiError} when the core refuses it
   */
  message(body: Readonly<Record<string, unknown>>, jsep: unknown, transaction: string): Delivery | Promise<Delivery> {
    const remote = jsep === undefined ? undefined : readJsep(jsep);
    if (this.#pending >= SessionHandle.MAX_REQUESTS) {
      throw new ApiError(
        API_ERROR.NOT_DELIVERED,
        `${String(SessionHandle.MAX_REQUESTS)} requests of this handle wait for the plugin already`,
      );
    }
    if (remote !== undefined) this.emit('jsep', 'remote', remote);
    if (remote !== undefined) this.#offerTrickles = remote.type === 'answer' || remote.trickle;
    if (remote?.type === 'answer') this.#setAnswer(remote);
    if (remote !== undefined) this.#endToEndEncrypted = remote.e2ee;

    const context: RequestContext = { transaction, jsep: remote, body };
    let request: Request;
    try {
      request = this.plugin.requestFor(body);
    } catch (error) {
      return { kind: 'success', data: this.#errorData(error) };
    }
    return request.kind === 'sync'
      ? this.#answerNow(request, body, context)
      : this.#answerLater(request, body, context);
  }

  /**
   * Takes candidates of the client.
   *
   * @throws {@link ApiError} when they are wrong and the peer has negotiated
   */
  trickle(request: TrickleRequest, now = performance.now()): void {
    if (!this.#canTakeCandidates()) {
      this.#keepCandidates(request, now);
      return;
    }
    for (const candidate of readCandidates(request)) this.#addCandidate(candidate);
  }

  /**
   * Ends the handle: closes its peer, tells the plugin.
   *
   * @param announce - whether the client gets `detached`
   */
  close(announce: boolean): void {
    if (this.#closed) return;
    // First, so that nothing the plugin pushes now reaches the client.
    this.#closed = true;
    this.hangup('Detach');
    this.#early.clear();
    this.#call('detached', () => this.plugin.detached(this));
    this.#owner.forget(this);
    if (announce) this.#event('detached');
    this.emit('close');
  }

  // ---- requests -----------------------------------------------------------------

  #answerNow(
    request: Request,
    body: Readonly<Record<string, unknown>>,
    context: RequestContext,
  ): Delivery | Promise<Delivery> {
    const success = (data: object): Delivery => ({ kind: 'success', data });
    try {
      const answer: unknown = request.run(this, this.plugin.check(request.shape, body), context);
      if (!(answer instanceof Promise)) return success(this.#copy(answer));
      this.#pending += 1;
      return answer
        .then((data: unknown) => this.#copy(data))
        .catch((error: unknown) => this.#errorData(error))
        .finally(() => {
          this.#pending -= 1;
        })
        .then(success);
    } catch (error) {
      return success(this.#errorData(error));
    }
  }

  #answerLater(request: Request, body: Readonly<Record<string, unknown>>, context: RequestContext): Delivery {
    this.#pending += 1;
    const task = async (): Promise<void> => {
      try {
        if (this.#closed) return;
        const answer = await this.#runLater(request, body, context);
        if (answer !== undefined) {
          const { data, jsep } = answer;
          this.push(data, { transaction: context.transaction, ...(jsep === undefined ? {} : { jsep }) });
        }
      } finally {
        this.#pending -= 1;
      }
    };
    return { kind: 'ack', run: () => this.#inTurn(task) };
  }

  async #runLater(request: Request, body: Readonly<Record<string, unknown>>, context: RequestContext): Promise<Answer> {
    try {
      const result = await request.run(this, this.plugin.check(request.shape, body), context);
      if (result === undefined) return undefined;
      if (result instanceof Reply) return { data: this.#copy(result.data), jsep: result.jsep };
      return { data: this.#copy(result) };
    } catch (error) {
      return { data: this.#errorData(error) };
    }
  }

  /** Runs tasks one after another; the first at once. */
  #inTurn(task: () => Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      this.#queue.push(() => task().finally(resolve));
      if (!this.#draining) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    for (let task = this.#queue.shift(); task !== undefined; task = this.#queue.shift()) {
      // What a task cannot handle itself is a mistake of ours: it must not stop the others.
      await task().catch((error: unknown) => {
        this.#owner.logger.error({ err: error, handle: this.id }, 'a request could not be finished');
      });
    }
    this.#draining = false;
  }

  #errorData(error: unknown): object {
    return errorDataOf(this.plugin, error, this.#closed ? silentLogger : this.#owner.logger, this.id);
  }

  #copy(data: unknown): object {
    return copyOf(this.plugin, data);
  }

  // ---- peer ---------------------------------------------------------------------

  #listen(peer: Peer): void {
    const current = (): boolean => this.#peer === peer && !this.#closed;
    peer.on('negotiated', () => {
      if (current()) this.#flushCandidates();
    });
    peer.on('up', () => {
      if (!current()) return;
      this.#call('peerUp', () => this.plugin.peerUp(this));
      this.#event('webrtcup');
    });
    peer.on('media', (details) => {
      if (current()) this.#event('media', details);
    });
    peer.on('slowlink', (details) => {
      if (current()) this.#event('slowlink', details);
    });
    peer.on('icefailed', () => {
      if (current()) this.#event('ice-failed');
    });
    peer.once('close', ({ reason }) => {
      if (this.#peer === peer) this.#peerClosed(reason);
    });
  }

  #setAnswer(jsep: RemoteJsep): void {
    const peer = this.#peer;
    if (peer?.state !== 'have-local-offer') {
      throw new ApiError(API_ERROR.UNEXPECTED_ANSWER, 'there is no offer that this answer could answer');
    }
    try {
      peer.setAnswer(jsep.sdp, { ridOrder: jsep.ridOrder });
    } catch (error) {
      if (error instanceof RemoteError) throw new ApiError(API_ERROR.SDP, error.message);
      if (error instanceof UsageError && error.code === 'HG_ERR_STATE') {
        throw new ApiError(API_ERROR.UNEXPECTED_ANSWER, error.message);
      }
      this.#owner.logger.error({ err: error, handle: this.id }, 'an answer could not be used');
      throw new ApiError(API_ERROR.UNKNOWN, 'the answer could not be used');
    }
    if (!jsep.trickle) this.#addCandidate(null);
  }

  #canTakeCandidates(): boolean {
    const state = this.#peer?.state;
    return state === 'stable' || state === 'connected';
  }

  #keepCandidates(request: TrickleRequest, now: number): void {
    if (this.#early.keep(request, now) === 0) return;
    this.#owner.logger.debug({ handle: this.id, dropped: this.droppedCandidates }, 'too many early candidates');
  }

  #flushCandidates(now = performance.now()): void {
    if (!this.#canTakeCandidates()) return;
    for (const candidate of this.#early.take(now)) this.#addCandidate(candidate);
    if (!this.#offerTrickles) this.#addCandidate(null);
  }

  #addCandidate(candidate: Candidate): void {
    try {
      if (candidate === null) this.#peer?.endOfCandidates();
      else this.#peer?.addCandidate(candidate);
    } catch (error) {
      // A candidate nobody can use is no reason to complain: another may do.
      this.#owner.logger.debug({ err: error, handle: this.id }, 'a candidate was ignored');
    }
  }

  #peerClosed(reason: HangupReason): void {
    this.#peer = null;
    this.#early.clear();
    this.#call('peerClosed', () => this.plugin.peerClosed(this, reason));
    if (!this.#closed) this.#event('hangup', { reason });
    this.emit('hangup', reason);
  }

  #event(kind: string, rest: object = {}): void {
    this.#owner.deliver({
      janus: kind,
      session_id: this.#owner.id,
      sender: this.id,
      ...this.labels,
      ...rest,
    });
  }

  /** Calls a plugin's method; its failure is its own, also that of one that is async. */
  #call(method: string, run: () => unknown): void {
    const failed = (error: unknown) => {
      this.#owner.logger.error({ err: error, handle: this.id, plugin: this.plugin.package }, `${method} failed`);
    };
    try {
      const result = run();
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

import { Emitter } from '../events.js';
import { GatewayError, RemoteError, UsageError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { HangupReason, Peer, PeerOptions } from '../peer/peer.js';
import type { Handle, Jsep, PushOptions, RemoteJsep } from '../plugins/handle.js';
import type { Plugin, Request, RequestContext } from '../plugins/plugin.js';
import { PluginError, Reply } from '../plugins/plugin.js';
import { isObject } from '../plugins/shape.js';
import { API_ERROR, ApiError } from './api-error.js';
import type { Candidate, TrickleRequest } from './jsep.js';
import { readCandidates, readJsep, writeJsep } from './jsep.js';

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
  /** Candidates that may wait for the peer; more are dropped. */
  static readonly MAX_EARLY_CANDIDATES = 64;
  /** How long candidates wait for the peer, in milliseconds. Janus: `candidates_timeout`. */
  static readonly EARLY_CANDIDATES_LIFETIME = 45_000;

  readonly id: number;
  readonly opaqueId: string | undefined;
  readonly plugin: Plugin;
  data: unknown = undefined;
  /** Candidates that came too early and found no room. */
  droppedCandidates = 0;

  readonly #owner: HandleOwner;
  readonly #showOpaqueId: boolean;
  #peer: Peer | null = null;
  #closed = false;
  /** Requests given to the plugin and not answered yet, and those that wait their turn. */
  #pending = 0;
  readonly #queue: (() => Promise<void>)[] = [];
  #draining = false;
  #early: { candidate: Candidate; at: number }[] = [];

  constructor(
    id: number,
    plugin: Plugin,
    owner: HandleOwner,
    options: { opaqueId?: string | undefined; showOpaqueId?: boolean } = {},
  ) {
    super();
    this.id = id;
    this.plugin = plugin;
    this.opaqueId = options.opaqueId;
    this.#owner = owner;
    this.#showOpaqueId = options.showOpaqueId ?? false;
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
    if (options.jsep !== undefined) this.emit('jsep', 'local', options.jsep);
    this.#owner.deliver({
      janus: 'event',
      session_id: this.#owner.id,
      ...(options.transaction === undefined ? {} : { transaction: options.transaction }),
      sender: this.id,
      ...this.labels,
      plugindata: { plugin: this.plugin.package, data: copy },
      ...(options.jsep === undefined ? {} : { jsep: writeJsep(options.jsep) }),
    });
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
    if (remote?.type === 'answer') this.#setAnswer(remote);

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
    this.#early = [];
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

  /** What the client is told of an error; what it must not know goes to the log. */
  #errorData(error: unknown): object {
    const { plugin } = this;
    if (error instanceof PluginError) return plugin.errorData(error);
    const code = plugin.errorCodes.unknownError;
    if (error instanceof GatewayError && !(error instanceof UsageError)) {
      this.#owner.logger.warn({ err: error, handle: this.id, plugin: plugin.package }, 'a request failed');
      return plugin.errorData(new PluginError(code, error.message));
    }
    if (!this.#closed) {
      this.#owner.logger.error({ err: error, handle: this.id, plugin: plugin.package }, 'a plugin failed');
    }
    return plugin.errorData(new PluginError(code, 'the plugin failed'));
  }

  /** A plugin may change its data later, and it may be no JSON at all. */
  #copy(data: unknown): object {
    let reason = 'it is no object';
    try {
      const copy: unknown = JSON.parse(JSON.stringify(data) ?? 'null');
      if (isObject(copy)) return copy;
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
    throw new UsageError('HG_ERR_PLUGIN_DATA', { plugin: this.plugin.package, reason });
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
      peer.setAnswer(jsep.sdp);
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

  /** Errors in candidates that come early are silent: nobody is there to be asked. */
  #keepCandidates(request: TrickleRequest, now: number): void {
    let candidates: Candidate[];
    try {
      candidates = readCandidates(request);
    } catch {
      return;
    }
    this.#early = this.#early.filter(({ at }) => now - at < SessionHandle.EARLY_CANDIDATES_LIFETIME);
    const room = SessionHandle.MAX_EARLY_CANDIDATES - this.#early.length;
    this.#early.push(...candidates.slice(0, room).map((candidate) => ({ candidate, at: now })));
    this.#dropped(candidates.length - room);
  }

  #dropped(count: number): void {
    if (count <= 0) return;
    this.droppedCandidates += count;
    this.#owner.logger.debug({ handle: this.id, dropped: this.droppedCandidates }, 'too many early candidates');
  }

  #flushCandidates(now = performance.now()): void {
    if (this.#early.length === 0 || !this.#canTakeCandidates()) return;
    const waiting = this.#early;
    this.#early = [];
    for (const { candidate, at } of waiting) {
      if (now - at < SessionHandle.EARLY_CANDIDATES_LIFETIME) this.#addCandidate(candidate);
    }
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
    this.#early = [];
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

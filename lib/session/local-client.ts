import { randomUUID } from 'node:crypto';

import { Emitter } from '../events.js';
import { UsageError } from '../errors.js';
import type { MediaState } from '../peer/peer.js';
import type { Jsep } from '../plugins/handle.js';
import { isObject } from '../plugins/shape.js';
import { ApiError } from './api-error.js';
import type { SessionHandle } from './handle.js';
import type { TrickledCandidate } from './full-trickle.js';
import type { SessionOwner } from './owner.js';
import type { Session } from './session.js';
import { readTrickle } from './jsep.js';
import type { SessionTable } from './sessions.js';

/** Data of a plugin, as JSON. */
export type PluginData = Record<string, unknown>;

/** What a plugin answered. */
export interface LocalAnswer {
  data: PluginData;
  jsep?: Jsep;
}

/** Events of {@link LocalHandle}: those of the wire protocol that belong to a handle. */
export interface LocalHandleEvents {
  /** The plugin said something that answers no request. */
  event: [answer: LocalAnswer];
  webrtcup: [];
  /** Of a simulcast each `substream`. */
  media: [details: MediaState];
  slowlink: [details: { mid: string; media: 'audio' | 'video'; uplink: boolean; lost: number }];
  /** ICE failed; `hangup` follows unless it recovers in time. */
  icefailed: [];
  /** A candidate of ours, with the option `fullTrickle`. */
  trickle: [details: { candidate: TrickledCandidate }];
  hangup: [details: { reason: string }];
  /** Final. */
  detached: [];
}

interface Waiting {
  resolve: (answer: LocalAnswer) => void;
  reject: (error: Error) => void;
}

/**
 * The Janus API for the application itself, without a transport: what it sends
 * takes the way a client's messages take.
 *
 * @example
 * const handle = await gateway.local.attach('janus.plugin.streaming');
 * const { list } = await handle.send({ request: 'list' });
 */
export class LocalClient {
  readonly #sessions: SessionTable;
  readonly #owner: SessionOwner;
  readonly #handles = new Map<number, LocalHandle>();
  /** What a plugin pushes while it is being attached to. */
  #early: WireEvent[] = [];
  #session: Session | null = null;

  constructor(sessions: SessionTable) {
    this.#sessions = sessions;
    this.#owner = {
      transport: 'local',
      acquired: () => undefined,
      deliver: (event) => {
        const { sender } = event as { sender?: number };
        const handle = sender === undefined ? undefined : this.#handles.get(sender);
        if (handle === undefined) this.#early.push(event as WireEvent);
        else handle.deliver(event as WireEvent);
      },
      released: () => {
        this.#session = null;
        const handles = [...this.#handles.values()];
        this.#handles.clear();
        for (const handle of handles) handle.deliver({ janus: 'detached' });
        return undefined;
      },
    };
  }

  /**
   * Attaches to a plugin.
   *
   * @throws {@link UsageError} `HG_ERR_UNKNOWN` if there is no such plugin, `HG_ERR_REQUEST` if it refuses,
   *   `HG_ERR_CLOSED`
   */

  async attach(plugin: string, { opaqueId }: { opaqueId?: string } = {}): Promise<LocalHandle> {
    const found = this.#sessions.plugins.get(plugin);
    if (found === undefined) throw new UsageError('HG_ERR_UNKNOWN', { what: `Plugin ${plugin}` });
    this.#session ??= this.#sessions.createInternal(this.#owner);
    this.#early = [];
    try {
      const handle = this.#session.attach(found, opaqueId);
      const local = new LocalHandle(handle, () => this.#handles.delete(handle.id));
      this.#handles.set(handle.id, local);
      const early = this.#early;
      // Not before the caller could add listeners.
      setImmediate(() => {
        for (const event of early) local.deliver(event);
      });
      return local;
    } catch (error) {
      throw refused(error);
    } finally {
      this.#early = [];
    }
  }
}

type WireEvent = Readonly<Record<string, unknown>> & { janus: string };

/** An attachment of the application's own to a plugin. */
export class LocalHandle extends Emitter<LocalHandleEvents> {
  readonly id: number;
  readonly #handle: SessionHandle;
  readonly #forget: () => void;
  readonly #waiting = new Map<string, Waiting>();
  #closed = false;

  /** For {@link LocalClient.attach}. */
  constructor(handle: SessionHandle, forget: () => void) {
    super();
    this.id = handle.id;
    this.#handle = handle;
    this.#forget = forget;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends a request and waits for what the plugin answers.
   *
   * @param jsep - a session description for the plugin
   * @throws {@link UsageError} `HG_ERR_REQUEST` with `details.errorCode` if the plugin or the core refuses,
   *   `HG_ERR_CLOSED`
   */
  async send(body: object, jsep?: Jsep): Promise<PluginData> {
    return (await this.request(body, jsep)).data;
  }

  /**
   * Like {@link send}, with the session description of the answer. A request
   * that the plugin answers with nothing gives empty data.
   *
   * @throws as {@link send}
   */
  async request(body: object, jsep?: Jsep): Promise<LocalAnswer> {
    this.#open();
    const transaction = randomUUID();
    // As on a wire: the plugin gets a copy, and only what JSON can carry.
    const sent = JSON.parse(JSON.stringify(body)) as Record<string, unknown>;
    try {
      const pending = this.#handle.message(sent, jsep, transaction);
      const delivery = pending instanceof Promise ? await pending : pending;
      if (delivery.kind === 'success') return accepted({ data: delivery.data as PluginData });
      return await new Promise<LocalAnswer>((resolve, reject) => {
        this.#waiting.set(transaction, { resolve, reject });
        void delivery.run().then(() => {
          this.#answer(transaction, { data: {} });
        });
      });
    } catch (error) {
      throw refused(error);
    }
  }

  /**
   * Gives candidates to the peer; null: there are no more.
   *
   * @throws {@link UsageError} `HG_ERR_REQUEST`, `HG_ERR_CLOSED`
   */
  trickle(candidate: object | readonly object[] | null): void {
    this.#open();
    try {
      this.#handle.trickle(readTrickle(Array.isArray(candidate) ? { candidates: candidate } : { candidate }));
    } catch (error) {
      throw refused(error);
    }
  }

  /** Closes the peer, if there is one. */
  hangup(): void {
    this.#open();
    this.#handle.hangup('Janus API');
  }

  /** Ends the attachment. Doing it twice does nothing. */

  async detach(): Promise<void> {
    this.#handle.close(true);
  }

  /** For {@link LocalClient}. */
  deliver(event: WireEvent): void {
    switch (event.janus) {
      case 'event': {
        const { transaction, plugindata, jsep } = event as unknown as {
          transaction?: string;
          plugindata: { data: PluginData };
          jsep?: Jsep;
        };
        const answer = jsep === undefined ? { data: plugindata.data } : { data: plugindata.data, jsep };
        if (transaction === undefined || !this.#answer(transaction, answer)) this.emit('event', answer);
        break;
      }
      case 'webrtcup':
        this.emit('webrtcup');
        break;
      case 'ice-failed':
        this.emit('icefailed');
        break;
      case 'media':
      case 'slowlink':
      case 'trickle':
      case 'hangup': {
        const { janus: _kind, session_id: _session, sender: _sender, ...details } = event;
        this.emit(event.janus, details as never);
        break;
      }
      case 'detached':
        this.#close();
        break;
    }
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#forget();
    for (const { reject } of this.#waiting.values()) {
      reject(new UsageError('HG_ERR_CLOSED', { what: `Handle ${String(this.id)}` }));
    }
    this.#waiting.clear();
    this.emit('detached');
  }

  #answer(transaction: string, answer: LocalAnswer): boolean {
    const waiting = this.#waiting.get(transaction);
    if (waiting === undefined) return false;
    this.#waiting.delete(transaction);
    try {
      waiting.resolve(accepted(answer));
    } catch (error) {
      waiting.reject(error as Error);
    }
    return true;
  }

  #open(): void {
    if (this.#closed) throw new UsageError('HG_ERR_CLOSED', { what: `Handle ${String(this.id)}` });
  }
}

/** A plugin's error is data on the wire, and an error here. */
function accepted(answer: LocalAnswer): LocalAnswer {
  const { data } = answer;
  if (isObject(data) && typeof data['error_code'] === 'number') {
    throw new UsageError('HG_ERR_REQUEST', {
      errorCode: data['error_code'],
      reason: String(data['error']),
    });
  }
  return answer;
}

function refused(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  return new UsageError('HG_ERR_REQUEST', { errorCode: error.code, reason: error.message });
}

import type { Peer, PeerEvents } from '../peer/peer.js';
import type { EventBus } from './event-bus.js';
import type { SessionHandle } from './handle.js';
import type { EventSubject, MediaEventData, PairedAddress, WebrtcEventData } from './handler-events.js';
import { writeJsep } from './jsep.js';
import { PeerStatistics } from './media-statistics.js';
import type { Session } from './session.js';
import type { SessionTable } from './sessions.js';

/** How {@link SessionObserver} reads statistics. */
export interface StatisticsOptions {
  /** Milliseconds; 0: there are none. */
  statsPeriod: number;
  /** All m-lines of a peer in one event. */
  combineStatistics: boolean;
}

const WEBRTC = { ice: 1, localCandidate: 2, remoteCandidate: 3, pair: 4, dtls: 5, connection: 6 } as const;
const MEDIA = { receiving: 1, slowLink: 2, statistics: 3 } as const;
// All media of a peer is in one stream and component (BUNDLE, rtcp-mux).
const COMPONENT = { stream_id: 1, component_id: 1 } as const;

/** Tells the event bus what happens to sessions, handles and their peers, those that are there already too. */
export class SessionObserver {
  readonly #bus: EventBus;
  readonly #options: StatisticsOptions;
  readonly #peers = new Set<PeerObserver>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(bus: EventBus, sessions: SessionTable, options: StatisticsOptions) {
    this.#bus = bus;
    this.#options = options;
    for (const session of sessions.values()) this.#watch(session);
    sessions.on('created', (session) => {
      const { owner } = session;
      const transport = { transport: owner?.transport ?? '', id: owner?.id ?? '' };
      bus.tell('session', { sessionId: session.id }, { name: 'created', transport });
      this.#watch(session);
    });
    sessions.on('ended', ({ id }, reason) => {
      if (reason === 'timeout') bus.tell('session', { sessionId: id }, { name: 'timeout' });
      bus.tell('session', { sessionId: id }, { name: 'destroyed' });
    });
    sessions.once('close', () => {
      this.#closed = true;
      clearInterval(this.#timer);
    });
    this.wanted();
  }

  /** Somebody began to listen: perhaps to statistics. */
  wanted(): void {
    const { statsPeriod } = this.#options;
    if (this.#timer !== undefined || statsPeriod === 0 || this.#closed || !this.#wantsStatistics()) return;
    this.#timer = setInterval(() => {
      if (this.#wantsStatistics()) {
        for (const peer of this.#peers) peer.tellStatistics();
        return;
      }
      clearInterval(this.#timer);
      this.#timer = undefined;
    }, statsPeriod);
    this.#timer.unref();
  }

  #wantsStatistics(): boolean {
    return this.#bus.wants('media');
  }

  #watch(session: Session): void {
    for (const handle of session.handles.values()) this.#watchHandle(handle);
    session.on('attached', (handle) => {
      this.#tellHandle(handle, 'attached');
      this.#watchHandle(handle);
    });
    session.on('detached', (handle) => this.#tellHandle(handle, 'detached'));
  }

  #tellHandle(handle: SessionHandle, name: 'attached' | 'detached'): void {
    if (!this.#bus.wants('handle')) return;
    const { opaqueId, plugin } = handle;
    const opaque = opaqueId === undefined ? {} : { opaque_id: opaqueId };
    this.#bus.tell('handle', subjectOf(handle), { name, plugin: plugin.package, ...opaque });
  }

  #watchHandle(handle: SessionHandle): void {
    const watchPeer = (peer: Peer): void => {
      const observer = new PeerObserver(this.#bus, handle, peer, this.#options);
      this.#peers.add(observer);
      peer.once('closing', () => this.#peers.delete(observer));
    };
    if (handle.peer !== null) watchPeer(handle.peer);
    handle.on('peer', watchPeer);
    handle.on('jsep', (owner, jsep) => {
      if (this.#bus.wants('jsep')) this.#bus.tell('jsep', subjectOf(handle), { owner, jsep: writeJsep(jsep) });
    });
    handle.on('hangup', (reason) => {
      this.#bus.tell('webrtc', subjectOf(handle, WEBRTC.connection), { connection: 'hangup', reason });
    });
  }
}

/** Whom the events of a handle are about. */
export function subjectOf(handle: SessionHandle, subtype?: number): EventSubject {
  const { sessionId, id: handleId, opaqueId } = handle;
  return { sessionId, handleId, opaqueId, ...(subtype === undefined ? {} : { subtype }) };
}

/** One peer of a handle. */
class PeerObserver {
  readonly #bus: EventBus;
  readonly #handle: SessionHandle;
  readonly #peer: Peer;
  readonly #combine: boolean;
  readonly #withStatistics: boolean;
  #statistics: PeerStatistics | null = null;
  #pair = '';
  #isTrying = false;

  constructor(bus: EventBus, handle: SessionHandle, peer: Peer, options: StatisticsOptions) {
    this.#bus = bus;
    this.#handle = handle;
    this.#peer = peer;
    this.#combine = options.combineStatistics;
    this.#withStatistics = options.statsPeriod > 0;
    if (peer.state === 'new') this.#tellWebrtc(WEBRTC.ice, { ice: 'gathering', ...COMPONENT });
    peer.on('candidate', ({ side, candidate }) => this.#tellCandidate(side, candidate));
    peer.on('ice', ({ state }) => this.#tellIce(state));
    peer.on('up', () => {
      if (!this.#bus.wants('webrtc')) return;
      this.#tellTrying();
      this.#tellPair();
      const { dtlsRetransmissions: retransmissions } = peer.stats();
      this.#tellWebrtc(WEBRTC.dtls, { dtls: 'connected', ...COMPONENT, retransmissions });
      this.#tellWebrtc(WEBRTC.connection, { connection: 'webrtcup' });
    });
    peer.on('media', ({ type, ...state }) => {
      this.#tellMedia(MEDIA.receiving, { media: type, ...state });
    });
    peer.on('slowlink', ({ mid, media, uplink, lost }) => {
      const side = uplink ? 'uplink' : 'downlink';
      this.#tellMedia(MEDIA.slowLink, { media, mid, slow_link: side, lost_lastsec: lost });
    });
    peer.once('closing', () => this.tellStatistics());
  }

  /** Of a peer that is connected: what was counted, and the pair if it is another one. */
  tellStatistics(): void {
    if (!this.#peer.connected) return;
    if (this.#bus.wants('webrtc')) this.#tellPair();
    if (!this.#withStatistics || !this.#bus.wants('media')) return;
    const lines = (this.#statistics ??= new PeerStatistics(this.#peer)).read();
    if (this.#combine) this.#tellMedia(MEDIA.statistics, lines);
    else for (const line of lines) this.#tellMedia(MEDIA.statistics, line);
  }

  #tellCandidate(side: 'local' | 'remote', candidate: string): void {
    const text = candidate.replace(/^candidate:/, '');
    if (side === 'local') {
      this.#tellWebrtc(WEBRTC.localCandidate, { 'local-candidate': text, ...COMPONENT, component_id: 0 });
    } else {
      this.#tellWebrtc(WEBRTC.remoteCandidate, { 'remote-candidate': text, ...COMPONENT });
    }
  }

  #tellIce(state: PeerEvents['ice'][0]['state']): void {
    if (!this.#bus.wants('webrtc')) return;
    switch (state) {
      case 'new':
        break;
      case 'checking':
        this.#tellWebrtc(WEBRTC.ice, { ice: 'connecting', ...COMPONENT });
        break;
      case 'connected':
        // A pair that was validated is one to send on: we know no step between the two.
        this.#tellPair();
        this.#tellWebrtc(WEBRTC.ice, { ice: 'connected', ...COMPONENT });
        this.#tellWebrtc(WEBRTC.ice, { ice: 'ready', ...COMPONENT });
        if (!this.#peer.connected) this.#tellTrying();
        break;
      default:
        this.#tellWebrtc(WEBRTC.ice, { ice: state, ...COMPONENT });
    }
  }

  #tellTrying(): void {
    if (this.#isTrying) return;
    this.#isTrying = true;
    this.#tellWebrtc(WEBRTC.dtls, { dtls: 'trying', ...COMPONENT, retransmissions: 0 });
  }

  #tellPair(): void {
    const { localCandidate, remoteCandidate } = this.#peer.stats();
    const pair = `${localCandidate ?? ''} <-> ${remoteCandidate ?? ''}`;
    if (pair === this.#pair) return;
    const local = readAddress(localCandidate);
    const remote = readAddress(remoteCandidate);
    if (local === undefined || remote === undefined) return;
    this.#pair = pair;
    this.#tellWebrtc(WEBRTC.pair, { 'selected-pair': pair, candidates: { local, remote }, ...COMPONENT });
  }

  #tellWebrtc(subtype: number, event: WebrtcEventData): void {
    this.#bus.tell('webrtc', subjectOf(this.#handle, subtype), event);
  }

  #tellMedia(subtype: number, event: MediaEventData): void {
    this.#bus.tell('media', subjectOf(this.#handle, subtype), event);
  }
}

/** `192.0.2.7:40000 [host,udp]`, as statistics have it; undefined: it is none. */
function readAddress(text = ''): PairedAddress | undefined {
  const [, address = '', port, type = '', transport = ''] =
    /^\[?([^[\] ]+?)\]?:(\d+) \[(\w+),(\w+)\]$/.exec(text) ?? [];
  if (port === undefined) return undefined;
  return { address, port: Number(port), type, transport, family: address.includes(':') ? 6 : 4 };
}

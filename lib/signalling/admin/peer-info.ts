/** What `handle_info` shows of a PeerConnection. */
import type { OutgoingTrackStats, Peer, PeerStats } from '../../peer/peer.js';
import { monotonicMicroseconds } from './clock.js';
import { mediaInfo } from './media-info.js';
import type { SdpLine } from './sdp-lines.js';
import { sdpLines } from './sdp-lines.js';

/** A peer and what is known of it now. */
export interface Inspected {
  readonly peer: Peer;
  readonly stats: PeerStats;
  readonly lines: readonly SdpLine[];
  readonly remoteLines: readonly SdpLine[];
}

/** Looks at a peer, once for all that is shown. */
export function inspect(peer: Peer): Inspected {
  const { local = '', remote = '' } = peer.descriptions;
  return { peer, stats: peer.stats(), lines: sdpLines(local), remoteLines: sdpLines(remote) };
}

/** `flags`; of a handle without a peer none is set. */
export function flagsOf(inspected: Inspected | null, endToEndEncrypted: boolean): object {
  const { peer, lines = [] } = inspected ?? {};
  const { local, remote } = peer?.descriptions ?? {};
  const described = local !== undefined || remote !== undefined;
  const negotiated = described && peer?.state !== 'have-local-offer' && peer?.state !== 'new';
  const has = (type: string): boolean => negotiated && lines.some((line) => line.type === type && line.port !== 0);
  const tracks = [...(peer?.tracks ?? [])];
  return {
    'got-offer': described,
    'got-answer': negotiated,
    negotiated,
    'processing-offer': false,
    starting: negotiated,
    'ice-restart': false,
    ready: peer?.connected ?? false,
    stopped: peer?.closed ?? false,
    alert: false,
    trickle: remote?.includes('a=ice-options:trickle') ?? false,
    'all-trickles': remote?.includes('a=end-of-candidates') ?? false,
    'resend-trickles': false,
    'trickle-synced': false,
    'data-channels': has('application'),
    'has-audio': has('audio'),
    'has-video': has('video'),
    'new-datachan-sdp': has('application') && (remote?.includes('webrtc-datachannel') ?? false),
    'rfc4588-rtx': tracks.some(({ negotiated: agreed }) => agreed?.sent.rtxPayloadType !== undefined),
    cleaning: false,
    e2ee: endToEndEncrypted,
  };
}

/** `sdps`: as they were written and read last. */
export function sdpsOf(inspected: Inspected | null): object {
  const { local, remote } = inspected?.peer.descriptions ?? {};
  return {
    ...(local === undefined && remote === undefined ? {} : { profile: 'UDP/TLS/RTP/SAVPF' }),
    ...(local === undefined ? {} : { local }),
    ...(remote === undefined ? {} : { remote }),
  };
}

/** What stands before `sdps` once there is a peer. */
export function agentInfo({ peer, stats }: Inspected): object {
  return {
    'agent-created': monotonicMicroseconds(peer.createdAt),
    'agent-started': stats.dtlsStartedAt,
    'ice-mode': 'full',
    'ice-role': peer.offering ? 'controlling' : 'controlled',
  };
}

/**
 * `webrtc`.
 *
 * @param nackQueue - how old a packet may be that is sent again, milliseconds
 */
export function webrtcInfo(inspected: Inspected, nackQueue: number): object {
  const { peer, lines, remoteLines, stats } = inspected;
  const ids = [...peer.tracks, ...peer.incoming].flatMap(({ negotiated }) =>
    Object.entries(negotiated?.extensions ?? {}),
  );
  const uris = [...lines].flatMap(({ extensions }) => extensions);
  const transportCc = ids.find(([name]) => name === 'transport-wide-cc')?.[1];
  return {
    ice: iceInfo(inspected),
    dtls: dtlsInfo(inspected),
    extensions: Object.fromEntries(uris.map(({ uri, id }) => [uri, id])),
    bwe: { twcc: transportCc !== undefined, ...(transportCc === undefined ? {} : { 'twcc-ext-id': transportCc }) },
    media: Object.fromEntries(
      lines.map((line, index) => [
        String(index),
        mediaInfo({ peer, line, index, remote: remoteLines[index], stats, sent: sentBy(stats, line.mid), nackQueue }),
      ]),
    ),
  };
}

function sentBy({ tracks }: PeerStats, mid: string): OutgoingTrackStats | undefined {
  return tracks.find((track) => track.mid === mid);
}

function iceInfo({ peer, stats }: Inspected): object {
  const pair =
    stats.localCandidate === undefined || stats.remoteCandidate === undefined
      ? {}
      : { 'selected-pair': `${stats.localCandidate} <-> ${stats.remoteCandidate}` };
  return {
    stream_id: 1,
    component_id: 1,
    state: iceState(peer, stats),
    'failed-detected': 0,
    'icetimer-started': stats.iceState === 'disconnected',
    gathered: stats.gatheredAt,
    connected: stats.iceConnectedAt,
    'local-candidates': peer.localCandidates.map(bare),
    'remote-candidates': stats.remoteCandidates.map(bare),
    ...pair,
    ready: stats.iceState === 'connected' ? 1 : 0,
  };
}

/** `candidate:1 1 udp …` → `1 1 udp …` */
function bare(candidate: string): string {
  return candidate.replace(/^(a=)?candidate:/, '');
}

/** In the words of libnice. */
function iceState(peer: Peer, { iceState: state, gatheredAt }: PeerStats): string {
  switch (state) {
    case 'new':
      return gatheredAt === 0 ? 'gathering' : 'disconnected';
    case 'checking':
      return 'connecting';
    case 'connected':
      return peer.connected ? 'ready' : 'connected';
    default:
      return state;
  }
}

const DTLS_STATES = {
  new: 'created',
  connecting: 'trying',
  connected: 'connected',
  closed: 'failed',
  failed: 'failed',
};
const DTLS_ROLES = { client: 'active', server: 'passive' };

function dtlsInfo({ peer, stats, lines }: Inspected): object {
  const { remoteTransport: remote } = peer;
  const [fingerprint] = remote?.fingerprints ?? [];
  const isConnected = stats.dtlsState === 'connected';
  return {
    fingerprint: peer.localFingerprint,
    ...(fingerprint === undefined
      ? {}
      : { 'remote-fingerprint': fingerprint.value, 'remote-fingerprint-hash': fingerprint.algorithm }),
    'dtls-role': remote === null ? 'actpass' : DTLS_ROLES[remote.dtlsRole],
    'dtls-state': DTLS_STATES[stats.dtlsState],
    retransmissions: stats.dtlsRetransmissions,
    // Keys are given out only once the certificate had the fingerprint that was signalled.
    valid: isConnected,
    'srtp-profile':
      stats.srtpProfile === undefined ? 'none' : `SRTP_${stats.srtpProfile}`.replace('SRTP_SRTP_', 'SRTP_'),
    ready: isConnected,
    'handshake-started': stats.dtlsStartedAt,
    connected: stats.dtlsConnectedAt,
    'sctp-association': lines.some(({ type, port }) => type === 'application' && port !== 0),
    stats: {
      in: { packets: stats.packetsReceived, bytes: stats.bytesReceived },
      out: { packets: stats.packetsSent, bytes: stats.bytesSent },
    },
  };
}

/** What `handle_info` shows of one m-line. */
import type { IncomingEncodingStats, OutgoingTrackStats, Peer, PeerStats } from '../../peer/peer.js';
import type { SdpLine } from './sdp-lines.js';

interface Line {
  readonly peer: Peer;
  readonly line: SdpLine;
  readonly index: number;
  readonly remote: SdpLine | undefined;
  readonly stats: PeerStats;
  /** Undefined: nothing is sent with it. */
  readonly sent: OutgoingTrackStats | undefined;
  /** Milliseconds. */
  readonly nackQueue: number;
}

/** One entry of `media`. */
export function mediaInfo(of: Line): object {
  const { peer, line, index, stats } = of;
  const head = { type: line.type === 'application' ? 'data' : line.type, mindex: index, mid: line.mid };
  if (line.type === 'application') {
    const data = stats.data;
    return {
      ...head,
      stats: {
        in: { packets: data?.messagesReceived ?? 0, bytes: data?.bytesReceived ?? 0 },
        out: { packets: data?.messagesSent ?? 0, bytes: data?.bytesSent ?? 0 },
      },
    };
  }
  const track = peer.track(line.mid);
  const incoming = peer.incomingTrack(line.mid);
  // From the highest quality to the lowest, as the substreams of `stats` are not.
  const encodings = incoming?.stats() ?? [];
  const agreed = track?.negotiated ?? incoming?.negotiated;
  const isNackAgreed = agreed?.feedback.includes('nack') ?? false;
  return {
    ...head,
    msid: msidOf(of),
    do_nacks: isNackAgreed,
    'nack-queue-ms': isNackAgreed ? of.nackQueue : 0,
    ...(agreed === undefined ? {} : { codecs: codecsOf(agreed) }),
    ssrc: ssrcsOf(of, encodings),
    ...ridsOf(encodings, incoming?.negotiated.extensions),
    direction: {
      send: ['sendrecv', 'sendonly'].includes(line.direction),
      recv: ['sendrecv', 'recvonly'].includes(line.direction),
    },
    rtcp: Object.fromEntries(
      (encodings.length === 0 ? [undefined] : encodings).map((encoding, substream) => [
        substream === 0 ? 'main' : `sim${String(substream)}`,
        rtcpOf(of, encoding, agreed?.codec.clockRate ?? 0),
      ]),
    ),
    stats: {
      in: {
        ...receivedBy(encodings[0]),
        ...Object.fromEntries(
          encodings.slice(1).map((encoding, i) => [`video-simulcast-${String(i + 1)}`, receivedBy(encoding)]),
        ),
      },
      out: sentOf(of.sent),
    },
  };
}

function msidOf({ line, remote }: Line): object {
  const [localStream, localTrack] = line.msid;
  const [remoteStream, remoteTrack] = remote?.msid ?? [];
  const named = {
    'local-stream': localStream,
    'local-track': localTrack,
    'remote-stream': remoteStream,
    'remote-track': remoteTrack,
  };
  return Object.fromEntries(Object.entries(named).filter(([, name]) => name !== undefined));
}

type Agreed = NonNullable<NonNullable<ReturnType<Peer['track']>>['negotiated']>;

function codecsOf({ codec, sent, redPayloadType }: Agreed): object {
  return {
    pt: sent.payloadType,
    ...(redPayloadType === undefined ? {} : { 'opus-red-pt': redPayloadType }),
    ...(sent.rtxPayloadType === undefined ? {} : { 'rtx-pt': sent.rtxPayloadType }),
    codec: codec.name,
  };
}

function ssrcsOf({ peer, line }: Line, encodings: readonly IncomingEncodingStats[]): object {
  const track = peer.track(line.mid);
  const rtx = track?.negotiated?.sent.rtxPayloadType === undefined ? undefined : track.rtxSsrc;
  const named = peer.incomingTrack(line.mid)?.negotiated.encodings ?? [];
  const rtxOf = named.find(({ rtxSsrc }) => rtxSsrc !== undefined)?.rtxSsrc;
  return {
    ...(track === undefined ? {} : { ssrc: track.ssrc }),
    ...(rtx === undefined ? {} : { 'ssrc-rtx': rtx }),
    ...Object.fromEntries(
      encodings.map(({ ssrc }, i) => [
        i === 0 ? 'ssrc-peer' : `ssrc-peer-sim-${String(i)}`,
        // Until packets come it is what was announced, if it was.
        ssrc === 0 ? (named[i]?.ssrc ?? 0) : ssrc,
      ]),
    ),
    ...(rtxOf === undefined ? {} : { 'ssrc-peer-rtx': rtxOf }),
  };
}

function ridsOf(encodings: readonly IncomingEncodingStats[], ids: Agreed['extensions'] = {}): object {
  const rids = encodings.flatMap(({ rid }) => (rid === undefined ? [] : [rid]));
  if (rids.length === 0) return {};
  return {
    'rid-simulcast': {
      // The lowest quality first.
      rid: rids,
      'rid-ext-id': ids.rid ?? 0,
      ...(ids['repaired-rid'] === undefined ? {} : { 'ridrtx-ext-id': ids['repaired-rid'] }),
      'rid-order': 'lmh',
    },
  };
}

function rtcpOf({ stats, sent }: Line, encoding: IncomingEncodingStats | undefined, clockRate: number): object {
  const roundTrip = sent?.roundTripTime ?? stats.roundTripTime ?? 0;
  const lostIn = encoding?.fractionLost ?? 0;
  const lostOut = sent?.remoteFractionLost ?? 0;
  return {
    base: clockRate,
    rtt: Math.round(roundTrip),
    lost: encoding?.lost ?? 0,
    'lost-by-remote': sent?.remoteLost ?? 0,
    // Milliseconds; the other side's is in units of the clock.
    'jitter-local': Math.round(encoding?.jitter ?? 0),
    'jitter-remote': clockRate === 0 ? 0 : Math.round(((sent?.remoteJitter ?? 0) / clockRate) * 1000),
    'in-link-quality': quality(lostIn),
    'in-media-link-quality': quality(lostIn * unrepaired(encoding?.recovered ?? 0, encoding?.givenUp ?? 0)),
    'out-link-quality': quality(lostOut),
    'out-media-link-quality': quality(lostOut * unrepaired(sent?.retransmitted ?? 0, sent?.notRetransmitted ?? 0)),
  };
}

/** 100: nothing is lost. */
function quality(lost: number): number {
  return Math.round(100 * (1 - lost));
}

/** Which share of the losses stayed losses, so far. */
function unrepaired(repaired: number, given: number): number {
  return repaired + given === 0 ? 1 : given / (repaired + given);
}

function receivedBy(encoding: IncomingEncodingStats | undefined): object {
  const { packets = 0, bytes = 0, bitrate = 0, nacks = 0, retransmitted = 0 } = encoding ?? {};
  return { packets, bytes, bytes_lastsec: Math.round(bitrate / 8), nacks, retransmissions: retransmitted };
}

function sentOf(sent: OutgoingTrackStats | undefined): object {
  const { packets = 0, bytes = 0, bytesLastSecond = 0, nacks = 0, retransmitted = 0 } = sent ?? {};
  return { packets, bytes, bytes_lastsec: bytesLastSecond, nacks, retransmissions: retransmitted };
}

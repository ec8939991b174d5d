import type { IncomingEncodingStats, IncomingTrack, OutgoingTrackStats, Peer, PeerStats } from '../peer/peer.js';
import type { MediaStatistics } from './handler-events.js';

/** What was counted at the last reading, of one stream. */
interface Reading {
  at: number;
  bytesReceived: number;
  bytesSent: number;
  packets: number;
  lost: number;
  recovered: number;
}

/** The statistics of one peer's m-lines, each reading measured against the one before. */
export class PeerStatistics {
  readonly #peer: Peer;
  readonly #last = new Map<string, Reading>();

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /**
   * Of each m-line that flows either way, in their order.
   *
   * @param now - milliseconds
   */
  read(now = performance.now()): MediaStatistics[] {
    const stats = this.#peer.stats();
    return this.#peer.mids.flatMap((mid, mindex) => this.#ofLine({ mid, mindex, stats, now }));
  }

  #ofLine(line: Line): MediaStatistics[] {
    const { mid, mindex, stats } = line;
    if (mid === this.#peer.dataMid) {
      const { data } = stats;
      if (data === undefined) return [];
      return [
        {
          mid,
          mindex,
          media: 'data',
          'packets-received': data.messagesReceived,
          'packets-sent': data.messagesSent,
          'bytes-received': data.bytesReceived,
          'bytes-sent': data.bytesSent,
        },
      ];
    }
    const out = stats.tracks.find((track) => track.mid === mid);
    const incoming = this.#peer.incomingTrack(mid);
    const encodings = incoming?.stats() ?? [];
    const count = Math.max(encodings.length, out === undefined ? 0 : 1);
    return Array.from({ length: count }, (_, index) =>
      // What we send is told with the first.
      this.#ofStream(line, { out: index === 0 ? out : undefined, incoming, encoding: encodings[index], index }),
    );
  }

  #ofStream({ mid, mindex, stats, now }: Line, { out, incoming, encoding, index }: Stream): MediaStatistics {
    const kind = incoming?.kind ?? out?.kind ?? 'video';
    const media = kind === 'video' && index > 0 ? (`video-sim${index === 1 ? 1 : 2}` as const) : kind;
    const base = incoming?.codec.clockRate ?? this.#peer.track(mid)?.codec.clockRate ?? 90_000;
    const reading: Reading = {
      at: now,
      bytesReceived: encoding?.bytes ?? 0,
      bytesSent: out?.bytes ?? 0,
      packets: encoding?.packets ?? 0,
      lost: encoding?.lost ?? 0,
      recovered: encoding?.recovered ?? 0,
    };
    const key = `${mid} ${String(index)}`;
    const before = this.#last.get(key);
    this.#last.set(key, reading);
    const seconds = before === undefined ? 0 : (now - before.at) / 1000;
    const perSecond = (name: 'bytesReceived' | 'bytesSent'): number =>
      before === undefined || seconds <= 0 ? 0 : Math.max(0, Math.round((reading[name] - before[name]) / seconds));
    const inQuality = qualityOf(reading, before);
    const outQuality = out === undefined || out.packets === 0 ? 0 : Math.round(100 * (1 - out.remoteFractionLost));
    return {
      mid,
      mindex,
      media,
      codec: incoming?.codec.name ?? out?.codec ?? '',
      base,
      rtt: Math.round(out?.roundTripTime ?? 0),
      lost: reading.lost,
      'lost-by-remote': out?.remoteLost ?? 0,
      'jitter-local': Math.round(encoding?.jitter ?? 0),
      'jitter-remote': Math.round(((out?.remoteJitter ?? 0) * 1000) / base),
      'in-link-quality': inQuality.link,
      'in-media-link-quality': inQuality.media,
      'out-link-quality': outQuality,
      'out-media-link-quality': outQuality,
      'packets-received': reading.packets,
      'packets-sent': out?.packets ?? 0,
      'bytes-received': reading.bytesReceived,
      'bytes-sent': reading.bytesSent,
      'bytes-received-lastsec': perSecond('bytesReceived'),
      'bytes-sent-lastsec': perSecond('bytesSent'),
      'nacks-received': out?.nacks ?? 0,
      'nacks-sent': encoding?.nacks ?? 0,
      'retransmissions-received': encoding?.retransmitted ?? 0,
      ...(stats.remb > 0 && kind === 'video' ? { 'remb-bitrate': stats.remb } : {}),
    };
  }
}

interface Line {
  mid: string;
  mindex: number;
  stats: PeerStats;
  now: number;
}

interface Stream {
  out: OutgoingTrackStats | undefined;
  incoming: IncomingTrack | undefined;
  encoding: IncomingEncodingStats | undefined;
  index: number;
}

/** Percent of what was sent to us: what came at once, and what came at all. */
function qualityOf(now: Reading, before: Reading | undefined): { link: number; media: number } {
  const since = (name: 'packets' | 'lost' | 'recovered'): number => Math.max(0, now[name] - (before?.[name] ?? 0));
  const came = since('packets');
  if (came === 0) return { link: 0, media: 0 };
  const lost = since('lost');
  const recovered = Math.min(since('recovered'), came);
  const sent = came + lost;
  return { link: Math.round((100 * (came - recovered)) / sent), media: Math.round((100 * came) / sent) };
}

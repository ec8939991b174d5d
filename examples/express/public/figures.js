// Turns getStats() reports into figures, of what comes and of what is sent.

const LOSS_WINDOW = 10; // readings, one a second

/**
 * Of one direction; members are undefined where the browser does not say.
 * @typedef {{
 *   kbps?: number, moving: boolean, lostShare?: number, lostTotal?: number, resent?: number, jitterMs?: number,
 *   width?: number, height?: number, fps?: number, codecs: string[],
 * }} Flow
 */

/** One end of the path; `address` may be hidden by the browser. @typedef {{ type: string, protocol: string, address?: string, port?: number }} End */

export class Figures {
  #received = new Counters();
  #sent = new Counters();

  /**
   * @param {RTCPeerConnection} pc
   * @returns {Promise<{
   *   received?: Flow & { decoded?: number, dropped?: number, asked?: number, audioLevel?: number },
   *   sent?: Flow & { limitation?: string },
   *   roundTripMs?: number, path?: { local: End, remote: End },
   * }>} what changed since the last call, and totals
   */
  async read(pc) {
    const report = await pc.getStats();
    const pair = selectedPair(report);
    return {
      received: this.#readReceived(report),
      sent: this.#readSent(report),
      roundTripMs: roundTripMs(report, pair),
      path: pathOf(report, pair),
    };
  }

  #readReceived(report) {
    const streams = ofType(report, 'inbound-rtp');
    if (streams.length === 0) return undefined;
    const video = streams.find(({ kind }) => kind === 'video');
    const audio = streams.find(({ kind }) => kind === 'audio');
    const { measuredFps, ...change } = this.#received.read(
      streams.map(({ id, timestamp, bytesReceived, packetsReceived, packetsLost = 0, framesDecoded }) => ({
        id,
        timestamp,
        bytes: bytesReceived,
        packets: packetsReceived,
        expected: packetsReceived + packetsLost,
        lost: packetsLost,
        frames: framesDecoded,
      })),
    );
    return {
      ...change,
      width: video?.frameWidth,
      height: video?.frameHeight,
      fps: video?.framesPerSecond ?? measuredFps,
      decoded: video?.framesDecoded,
      dropped: video?.framesDropped,
      resent: sum(streams, 'retransmittedPacketsReceived'),
      asked: sum(streams, 'nackCount'),
      jitterMs: inMs((video ?? audio).jitter),
      codecs: codecsOf(report, [video, audio]),
      audioLevel: audio?.audioLevel,
    };
  }

  #readSent(report) {
    const streams = ofType(report, 'outbound-rtp');
    if (streams.length === 0) return undefined;
    // what the other side says of them
    const reports = new Map(ofType(report, 'remote-inbound-rtp').map((remote) => [remote.ssrc, remote]));
    const videos = streams.filter(({ kind }) => kind === 'video');
    // of encodings of several sizes, the largest that is sent
    const video = videos.toSorted((a, b) => (b.frameWidth ?? 0) - (a.frameWidth ?? 0))[0];
    const audio = streams.find(({ kind }) => kind === 'audio');
    const { measuredFps, ...change } = this.#sent.read(
      streams.map(({ id, timestamp, bytesSent, packetsSent, framesEncoded, ssrc }) => ({
        id,
        timestamp,
        bytes: bytesSent,
        packets: packetsSent,
        expected: packetsSent,
        lost: reports.get(ssrc)?.packetsLost,
        frames: framesEncoded,
      })),
    );
    return {
      ...change,
      width: video?.frameWidth,
      height: video?.frameHeight,
      fps: video?.framesPerSecond ?? measuredFps,
      resent: sum(streams, 'retransmittedPacketsSent'),
      jitterMs: inMs(reports.get((video ?? audio).ssrc)?.jitter ?? [...reports.values()][0]?.jitter),
      codecs: codecsOf(report, [video, audio]),
      limitation: video?.qualityLimitationReason,
    };
  }
}

/** Counters of the streams of one direction, and how they grow. */
class Counters {
  #last = new Map(); // id of a stream → its counters the time before
  #window = [];

  /** @param {{ id, timestamp, bytes, packets, expected, lost?, frames? }[]} streams - all since their start */
  read(streams) {
    let bits;
    let measuredFps;
    let packets = 0;
    let expected = 0;
    let lost = 0;
    for (const stream of streams) {
      const before = this.#last.get(stream.id);
      this.#last.set(stream.id, stream);
      const seconds = before ? (stream.timestamp - before.timestamp) / 1000 : 0;
      if (seconds <= 0) continue;
      bits = (bits ?? 0) + ((stream.bytes - before.bytes) * 8) / seconds;
      packets += stream.packets - before.packets;
      expected += stream.expected - before.expected;
      lost += (stream.lost ?? 0) - (before.lost ?? 0);
      if (stream.frames !== undefined) {
        measuredFps = Math.max(measuredFps ?? 0, (stream.frames - before.frames) / seconds);
      }
    }
    this.#window.push({ expected, lost });
    if (this.#window.length > LOSS_WINDOW) this.#window.shift();
    const lostTotal = sum(streams, 'lost');
    return {
      kbps: bits === undefined ? undefined : bits / 1000,
      moving: packets > 0,
      lostShare: lostTotal === undefined ? undefined : this.#lostShare(),
      lostTotal,
      measuredFps,
    };
  }

  #lostShare() {
    const expected = sum(this.#window, 'expected');
    // a packet that comes late takes its loss back
    const lost = Math.max(0, sum(this.#window, 'lost'));
    return lost > 0 ? Math.min(1, lost / Math.max(expected, lost)) : 0;
  }
}

function ofType(report, wanted) {
  return [...report.values()].filter(({ type }) => type === wanted);
}

function sum(items, name) {
  const values = items.map((item) => item[name]).filter((value) => value !== undefined);
  return values.length > 0 ? values.reduce((total, value) => total + value, 0) : undefined;
}

function inMs(seconds) {
  return seconds === undefined ? undefined : seconds * 1000;
}

function codecsOf(report, streams) {
  return streams.map((stream) => report.get(stream?.codecId)?.mimeType?.split('/')[1]).filter(Boolean);
}

function selectedPair(report) {
  const transport = ofType(report, 'transport').find(({ selectedCandidatePairId }) => selectedCandidatePairId);
  return (
    report.get(transport?.selectedCandidatePairId) ??
    ofType(report, 'candidate-pair').find(({ selected, nominated, state }) => {
      return selected || (nominated && state === 'succeeded');
    })
  );
}

function roundTripMs(report, pair) {
  const reported = [...ofType(report, 'remote-inbound-rtp'), ...ofType(report, 'remote-outbound-rtp')];
  return inMs(pair?.currentRoundTripTime ?? reported.find(({ roundTripTime }) => roundTripTime > 0)?.roundTripTime);
}

function pathOf(report, pair) {
  const local = report.get(pair?.localCandidateId);
  const remote = report.get(pair?.remoteCandidateId);
  if (!local || !remote) return undefined;
  const end = ({ candidateType, protocol, address, port }) => ({ type: candidateType, protocol, address, port });
  return { local: end(local), remote: end(remote) };
}

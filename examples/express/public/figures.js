// Turns getStats() reports into the figures of one player.

const LOSS_WINDOW = 10; // readings, one a second

export class Figures {
  #last = new Map(); // id of an inbound-rtp report → what it said the time before
  #window = [];

  /**
   * @param {RTCPeerConnection} pc
   * @returns what changed since the last call, and totals; members are undefined where the browser does not say.
   *   Nothing while nothing is received.
   */
  async read(pc) {
    const report = await pc.getStats();
    const inbound = [...report.values()].filter(({ type }) => type === 'inbound-rtp');
    if (inbound.length === 0) return undefined;
    const video = inbound.find(({ kind }) => kind === 'video');
    const audio = inbound.find(({ kind }) => kind === 'audio');
    let bits;
    let received = 0;
    let lost = 0;
    for (const stream of inbound) {
      const before = this.#last.get(stream.id);
      this.#last.set(stream.id, stream);
      const seconds = before ? (stream.timestamp - before.timestamp) / 1000 : 0;
      if (seconds <= 0) continue;
      bits = (bits ?? 0) + ((stream.bytesReceived - before.bytesReceived) * 8) / seconds;
      received += stream.packetsReceived - before.packetsReceived;
      lost += (stream.packetsLost ?? 0) - (before.packetsLost ?? 0);
      if (stream === video) video.measuredFps = (stream.framesDecoded - before.framesDecoded) / seconds;
    }
    this.#window.push({ received, lost });
    if (this.#window.length > LOSS_WINDOW) this.#window.shift();

    return {
      kbps: bits === undefined ? undefined : bits / 1000,
      arriving: received > 0,
      width: video?.frameWidth,
      height: video?.frameHeight,
      fps: video?.framesPerSecond ?? video?.measuredFps,
      decoded: video?.framesDecoded,
      dropped: video?.framesDropped,
      lostShare: this.#lostShare(),
      lostTotal: sum(inbound, 'packetsLost'),
      resent: sum(inbound, 'retransmittedPacketsReceived'),
      asked: sum(inbound, 'nackCount'),
      roundTripMs: roundTripMs(report),
      jitterMs: jitterMs(video ?? audio),
      codecs: [video, audio].map((stream) => codecOf(report, stream)).filter(Boolean),
      audioLevel: audio?.audioLevel,
    };
  }

  #lostShare() {
    const received = this.#window.reduce((total, reading) => total + reading.received, 0);
    // a packet that comes late takes its loss back
    const lost = Math.max(
      0,
      this.#window.reduce((total, reading) => total + reading.lost, 0),
    );
    return received + lost > 0 ? lost / (received + lost) : 0;
  }
}

function sum(streams, name) {
  const values = streams.map((stream) => stream[name]).filter((value) => value !== undefined);
  return values.length > 0 ? values.reduce((total, value) => total + value, 0) : undefined;
}

function jitterMs({ jitter }) {
  return jitter === undefined ? undefined : jitter * 1000;
}

function codecOf(report, stream) {
  return report.get(stream?.codecId)?.mimeType?.split('/')[1];
}

function roundTripMs(report) {
  const all = [...report.values()];
  const transport = all.find(({ type, selectedCandidatePairId }) => type === 'transport' && selectedCandidatePairId);
  const pair =
    report.get(transport?.selectedCandidatePairId) ??
    all.find(({ type, selected, nominated, state }) => {
      return type === 'candidate-pair' && (selected || (nominated && state === 'succeeded'));
    });
  const seconds = pair?.currentRoundTripTime ?? all.find(({ type }) => type === 'remote-outbound-rtp')?.roundTripTime;
  return seconds === undefined ? undefined : seconds * 1000;
}

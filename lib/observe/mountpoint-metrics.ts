import type { NativeSourceStats } from '../native/types.js';
import type { Metric, NumbersOf, Snapshot } from './gateway-metrics.js';

/** Of each mountpoint and its tracks; of at most `max` mountpoints, so that there are never more lines than that. */
export function mountpointMetrics(max: number): Metric[] {
  const track = (
    type: Metric['type'],
    name: string,
    help: string,
    figure: NumbersOf<NativeSourceStats>,
    unit = 1,
  ): Metric => ({
    type,
    name: `mountpoint_${name}`,
    help,
    labels: ['mountpoint', 'mid', 'kind'],
    *read(snapshot) {
      for (const mountpoint of first(snapshot, max)) {
        for (const { mid, codec, source } of mountpoint.media) {
          const value = Number(source.stats()[figure]) * unit;
          yield { mountpoint: String(mountpoint.id), mid, kind: codec.kind, value };
        }
      }
    },
  });
  return [
    {
      type: 'gauge',
      name: 'mountpoint_viewers',
      help: 'Viewers of a mountpoint.',
      labels: ['mountpoint'],
      *read(snapshot) {
        for (const { id, viewers } of first(snapshot, max)) yield { mountpoint: String(id), value: viewers.size };
      },
    },
    track('counter', 'packets_total', 'RTP packets of a track.', 'packets'),
    track('counter', 'bytes_total', 'Bytes of the RTP packets of a track.', 'bytes'),
    track('counter', 'lost_packets_total', 'Packets missing in the sequence of a track.', 'lost'),
    track(
      'counter',
      'dropped_packets_total',
      'Packets with a foreign SSRC, while disabled, or without room.',
      'dropped',
    ),
    track('counter', 'invalid_packets_total', 'What came and was no RTP.', 'invalid'),
    track('counter', 'keyframes_total', 'Keyframes of a track.', 'keyframes'),
    track('counter', 'keyframe_requests_total', 'Keyframe requests that the source was sent.', 'keyframeRequests'),
    track('counter', 'restarts_total', 'How often the source began anew.', 'restarts'),
    track('gauge', 'silence_seconds', 'Time since the last packet of a track.', 'age', 1 / 1000),
  ];
}

/** The oldest: which they are does not change while they are there. */
function first({ gateway }: Snapshot, max: number) {
  return [...gateway.mountpoints].slice(0, max);
}

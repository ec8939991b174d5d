import type { Gateway, GatewayStats } from '../gateway.js';
import type { NativeThreadStats } from '../native/types.js';

/** A gateway at one moment. */
export interface Snapshot {
  gateway: Gateway;
  stats: GatewayStats;
}

/** A value, and its labels beside it. */
export type Sample = { value: number } & Record<string, string | number>;

/** Something that is measured. */
export interface Metric {
  type: 'counter' | 'gauge';
  /** Without the prefix; ends in its base unit, and `_total` if it only grows. */
  name: string;
  help: string;
  labels?: readonly string[];
  read(snapshot: Snapshot): Iterable<Sample>;
}

/** The members of an object that are numbers. */
export type NumbersOf<T> = { [Name in keyof T]-?: T[Name] extends number ? Name : never }[keyof T];

/** Of the gateway and its media threads. Nothing here grows with the number of clients. */
export function gatewayMetrics(): Metric[] {
  return [
    own('sessions', 'Sessions of clients.', 'sessions'),
    {
      type: 'gauge',
      name: 'handles',
      help: 'Handles of clients, by plugin.',
      labels: ['plugin'],
      read: ({ gateway }) => count(handlePlugins(gateway), gateway.plugins.keys(), 'plugin'),
    },
    {
      type: 'gauge',
      name: 'peers',
      help: 'WebRTC peers, by what became of their negotiation and connection.',
      labels: ['state'],
      read: ({ gateway }) => count(peerStates(gateway), PEER_STATES, 'state'),
    },
    own('sources', 'Tracks that come in, from peers, ports and the application.', 'sources'),
    own('mountpoints', 'Mountpoints.', 'mountpoints'),
    {
      type: 'gauge',
      name: 'viewers',
      help: 'Viewers of all mountpoints.',
      read: ({ gateway }) => [{ value: viewers(gateway) }],
    },
    own('events_dropped_total', 'Log lines and slow links that JavaScript was too slow for.', 'droppedEvents'),
    own('mailbox_dropped_events_total', 'Events of sessions whose clients did not poll in time.', 'mailboxDropped'),
    own('tap_dropped_packets_total', 'Packets that taps left out because JavaScript was too slow.', 'tapDropped'),
    own(
      'recorder_dropped_packets_total',
      'Packets and messages that recordings left out because the disk was too slow.',
      'recorderDropped',
    ),

    sum('sent_packets_total', 'Datagrams sent to peers.', 'packetsSent'),
    sum('sent_bytes_total', 'Bytes sent to peers, SRTP and RTCP included.', 'bytesSent'),
    sum('received_packets_total', 'Datagrams received from peers.', 'packetsReceived'),
    sum('received_bytes_total', 'Bytes received from peers.', 'bytesReceived'),
    sum('retransmitted_packets_total', 'Packets sent again because peers asked for them.', 'retransmitted'),
    sum(
      'not_retransmitted_packets_total',
      'Packets asked for that were too old, unknown, too soon or too many.',
      'notRetransmitted',
    ),
    sum('received_nacks_total', 'NACK messages from peers.', 'nacksReceived'),
    sum('sent_nacks_total', 'Packets asked for again of peers that send.', 'nacksSent'),
    sum('received_keyframe_requests_total', 'PLI and FIR from peers.', 'keyframeRequestsReceived'),
    sum('sent_keyframe_requests_total', 'Keyframe requests to peers that send and to sources.', 'keyframeRequestsSent'),
    sum('send_dropped_packets_total', 'Packets that the socket or the path refused.', 'sendDropped'),
    sum('srtp_failures_total', 'SRTP and SRTCP that failed authentication or was replayed.', 'srtpFailures'),
    sum('foreign_datagrams_total', 'Datagrams from addresses that ICE has not validated.', 'foreignDatagrams'),
    sum('unexpected_datagrams_total', 'RTP nobody asked for, cut or unknown datagrams.', 'unexpectedDatagrams'),
    sum('source_packets_total', 'RTP packets of all sources.', 'sourcePackets'),
    sum('source_bytes_total', 'Bytes of the RTP packets of all sources.', 'sourceBytes'),
    sum('source_lost_packets_total', 'Packets missing in the sequence of their source.', 'sourceLost'),
    sum('source_invalid_packets_total', 'What came to a source and was no RTP.', 'sourceInvalid'),
    sum(
      'source_dropped_packets_total',
      'Packets of sources with a foreign SSRC, of disabled ones, or without room.',
      'sourceDropped',
    ),

    thread('thread_peers', 'Peers of a media thread.', 'peers'),
    thread('thread_cpu_seconds_total', 'Processor time of a media thread.', 'cpuTime', 1 / 1000),
    thread('thread_turns_total', "Turns of a media thread's loop.", 'turns'),
    thread('thread_sent_packets_total', 'Datagrams that a media thread sent.', 'packetsSent'),
    thread('thread_received_packets_total', 'Datagrams from peers that a media thread read.', 'packetsReceived'),
    thread(
      'thread_kernel_dropped_packets_total',
      'Datagrams of sources that the kernel dropped because the thread read too late.',
      'socketDrops',
    ),
    thread('thread_pool_blocks', 'Blocks of memory for packets that a media thread has, in use or free.', 'poolBlocks'),
    thread('thread_pool_exhausted_total', 'Packets dropped because no block was free.', 'poolExhausted'),
    {
      type: 'gauge',
      name: 'thread_gso',
      help: '1 if the kernel sends runs of packets for a media thread (UDP_SEGMENT).',
      labels: ['thread'],
      read: ({ stats }) => stats.threads.map(({ gso }, index) => ({ thread: String(index), value: gso ? 1 : 0 })),
    },
  ];
}

const PEER_STATES = ['new', 'have-local-offer', 'stable', 'connected', 'closed'] as const;

function typeOf(name: string): Metric['type'] {
  return name.endsWith('_total') ? 'counter' : 'gauge';
}

/** Of the gateway itself. */
function own(name: string, help: string, figure: NumbersOf<GatewayStats>): Metric {
  return { type: typeOf(name), name, help, read: ({ stats }) => [{ value: stats[figure] }] };
}

/** Over all media threads. */
function sum(name: string, help: string, figure: NumbersOf<NativeThreadStats>): Metric {
  const read = ({ stats }: Snapshot) => [{ value: stats.threads.reduce((all, one) => all + one[figure], 0) }];
  return { type: typeOf(name), name, help, read };
}

/** Of each media thread. */
function thread(name: string, help: string, figure: NumbersOf<NativeThreadStats>, unit = 1): Metric {
  return {
    type: typeOf(name),
    name,
    help,
    labels: ['thread'],
    read: ({ stats }) => stats.threads.map((one, index) => ({ thread: String(index), value: one[figure] * unit })),
  };
}

/** How many there are of each; 0 of those that are `known` and are not there. */
function count(found: Iterable<string>, known: Iterable<string>, label: string): Sample[] {
  const counts = new Map([...known].map((name) => [name, 0]));
  for (const name of found) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, value]) => ({ [label]: name, value }));
}

function* handlePlugins({ sessions }: Gateway): Iterable<string> {
  for (const session of sessions.values()) {
    if (session.internal) continue;
    for (const { plugin } of session.handles.values()) yield plugin.package;
  }
}

function* peerStates({ peers }: Gateway): Iterable<string> {
  for (const { state } of peers) yield state;
}

function viewers({ mountpoints }: Gateway): number {
  let all = 0;
  for (const mountpoint of mountpoints) all += mountpoint.viewers.size;
  return all;
}

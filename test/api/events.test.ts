// What event handlers are told of real sessions, beside what Janus told them of the same.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { eventWebhook, type HandlerEvent } from '../../lib/index.js';
import { collectEvents } from '../support/event-collector.mjs';
import { playScenario } from '../support/event-scenario.mjs';
import { portOf, testApp } from '../support/test-app.js';

type Told = Omit<HandlerEvent, 'event'> & { event: Record<string, unknown> };

const fixture = (name: string): Told[] =>
  readFileSync(new URL(`../fixtures/events/${name}`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Told);

/** What makes two events the same kind of event. */
function kindOf({ type, subtype, opaque_id, event }: Told): string {
  const { data } = event as { data?: Record<string, unknown> };
  const says = ['name', 'owner', 'ice', 'dtls', 'connection', 'media', 'receiving', 'status', 'plugin'].map((member) =>
    member in event ? `${member}=${String(event[member])}` : '',
  );
  const what = type === 64 || type === 128 ? [event['transport'], data?.['event'], data?.['status']] : [];
  return [type, subtype, opaque_id, ...says, ...what].filter((part) => part !== '' && part !== undefined).join(' ');
}

/** Members and their types, all the way down. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shapeOf(member)]));
}

/** What newer versions of Janus tell too, or what we do. */
function withoutExtras(event: Told): Told {
  const copy = structuredClone(event);
  delete copy.event['seconds'];
  delete copy.event['remb-bitrate'];
  // Nobody sends us a signal.
  delete copy.event['signum'];
  if ('info' in copy.event) copy.event['info'] = {};
  const { data, transport } = copy.event as { data?: Record<string, unknown>; transport?: string };
  if (transport === 'janus.transport.websockets') delete data?.['port'];
  return copy;
}

/** A peer that was there ends for those who listen, also if its handle is detached. */
const OURS = /^16 6 data-7 connection=hangup$/;

const SEEN_BY_CHANCE = [
  // A handshake whose first datagram came too early.
  /dtls=trying/,
  /^128 admin/,
];

t.test('each event is as Janus tells it', async (t) => {
  const collector = await collectEvents();
  t.teardown(() => collector.close());
  const { gateway, http, ws } = await testApp(t, { serverName: 'recorded' });
  const mountpoint = await gateway.createMountpoint({
    id: 1,
    description: 'camera',
    media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 0, payloadType: 96 }],
  });
  const webhook = eventWebhook(gateway, { url: collector.url, batchDelay: 10 });
  gateway.customEvent('example', { one: 1 });

  await playScenario({
    url: http,
    ws,
    address: '127.0.0.1',
    feedPort: portOf(mountpoint, 'v'),
    heard: collector.heard,
  });
  await gateway.close();

  t.match(webhook.stats(), { dropped: 0, failed: 0, waiting: 0 });
  t.equal(webhook.stats().delivered, collector.events.length);
  const theirs = new Map(fixture('janus-1.1.2.jsonl').map((event) => [kindOf(event), event]));
  const ours = new Map((collector.events as Told[]).map((event) => [kindOf(event), event]));
  for (const [kind, event] of theirs) {
    const own = ours.get(kind);
    if (own === undefined && SEEN_BY_CHANCE.some((pattern) => pattern.test(kind))) continue;
    t.ok(own, `there is: ${kind}`);
    if (own !== undefined) t.same(shapeOf(withoutExtras(own)), shapeOf(withoutExtras(event)), `shape: ${kind}`);
  }
  for (const kind of ours.keys()) t.ok(theirs.has(kind) || OURS.test(kind), `Janus has it too: ${kind}`);

  const events = collector.events as Told[];
  t.ok(
    events.every(
      ({ emitter, timestamp }) => emitter === 'recorded' && Math.abs(timestamp / 1000 - Date.now()) < 120_000,
    ),
    'emitter and time, in microseconds',
  );
  const about = (opaque: string): Told[] => events.filter(({ opaque_id }) => opaque_id === opaque);
  const order = about('echo-7').map(kindOf);
  const place = (text: string): number => order.findIndex((kind) => kind.includes(text));
  t.ok(place('attached') < place('owner=remote') && place('owner=remote') < place('owner=local'), 'in order');
  t.ok(place('connection=webrtcup') < place('receiving=true') && place('hangup') < place('detached'), 'in order');
  const last = about('echo-7').findLast(({ type, subtype }) => type === 32 && subtype === 3)?.event ?? {};
  t.ok(Number(last['packets-received']) > 100, 'what was received is counted');
  t.ok(Number(last['bytes-received']) > 1000 * Number(last['packets-received']), 'in bytes too');
  t.ok(Number(last['packets-sent']) > 100, 'and what was sent back');
});

t.test('statistics of a peer come together if that is asked for', async (t) => {
  const collector = await collectEvents();
  t.teardown(() => collector.close());
  const { gateway, http, ws } = await testApp(t, { events: { combineStatistics: true, statsPeriod: 300 } });
  const mountpoint = await gateway.createMountpoint({
    id: 1,
    media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 0, payloadType: 96 }],
  });
  eventWebhook(gateway, { url: collector.url, batchDelay: 10, grouping: false });

  await playScenario({
    url: http,
    ws,
    address: '127.0.0.1',
    feedPort: portOf(mountpoint, 'v'),
    heard: collector.heard,
  });

  const [theirs] = fixture('combined.json');
  const ours = (collector.events as Told[]).find(
    ({ type, subtype, opaque_id }) => type === 32 && subtype === 3 && opaque_id === 'echo-7',
  );
  const shape = (told: Told | undefined): unknown => shapeOf({ ...told, emitter: '' });
  t.same(shape(ours), shape(theirs));
  t.ok(
    collector.posts.every(({ body }) => !Array.isArray(body)),
    'ungrouped: one object a post',
  );
});

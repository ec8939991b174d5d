// What Prometheus reads of gateways with real peers; and that the dashboard asks for nothing that is not there.
import { readFileSync } from 'node:fs';
import express from 'express';
import { createServer } from 'node:http';
import { Registry } from 'prom-client';
import t, { type Test } from 'tap';
import { eventWebhook, prometheusMetrics, type Gateway, type PrometheusOptions } from '../../lib/index.js';
import { until } from '../support/browser.js';
import { audioAndVideo, listen, portOf, testApp, testGateway } from '../support/test-app.js';
import { Feeder, Viewers } from '../support/viewers.js';

interface Line {
  name: string;
  labels: Record<string, string>;
  value: number;
}

function parse(text: string): Line[] {
  return [...text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/gm)].map(([, name = '', labels = '', value]) => ({
    name,
    labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, label]) => [key, label])),
    value: Number(value),
  }));
}

/** A server with a gateway's metrics. */
async function serve(t: Test, gateway: Gateway, options?: PrometheusOptions) {
  const handler = prometheusMetrics(gateway, options);
  const app = express();
  app.get('/metrics', handler);
  const port = await listen(t, createServer(app));
  const read = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${String(port)}/metrics`);
    t.match(response.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
    return response.text();
  };
  return { handler, read, lines: async () => parse(await read()) };
}

const valueOf = (lines: Line[], name: string, labels: Record<string, string> = {}): number | undefined =>
  lines.find((line) => line.name === name && Object.entries(labels).every(([key, label]) => line.labels[key] === label))
    ?.value;

t.test('figures of a gateway with viewers, which never fall when they leave', async (t) => {
  const app = await testApp(t, { media: { threads: 2 } });
  const { gateway } = app;
  const mountpoint = await gateway.createMountpoint({
    id: 1,
    media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 0 }],
  });
  const metrics = await serve(t, gateway);
  const feeder = new Feeder(t, portOf(mountpoint, 'v'), { packets: 4 });
  const viewers = new Viewers(t, app.http);
  await viewers.addMany(3);

  const sent = (lines: Line[]): number => valueOf(lines, 'headgate_sent_packets_total') ?? 0;
  const lines = await until('figures of a second', async () => {
    const now = await metrics.lines();
    return sent(now) > 300 && (valueOf(now, 'headgate_received_packets_total') ?? 0) > 0 && now;
  });

  t.equal(valueOf(lines, 'headgate_sessions'), 1);
  t.equal(valueOf(lines, 'headgate_handles', { plugin: 'janus.plugin.streaming' }), 3);
  t.equal(valueOf(lines, 'headgate_handles', { plugin: 'janus.plugin.echotest' }), 0);
  t.equal(valueOf(lines, 'headgate_peers', { state: 'connected' }), 3);
  t.equal(valueOf(lines, 'headgate_viewers'), 3);
  t.equal(valueOf(lines, 'headgate_mountpoints'), 1);
  t.equal(valueOf(lines, 'headgate_mountpoint_viewers', { mountpoint: '1' }), 3);
  t.ok((valueOf(lines, 'headgate_mountpoint_packets_total', { mountpoint: '1', mid: 'v', kind: 'video' }) ?? 0) > 100);
  t.ok((valueOf(lines, 'headgate_sent_bytes_total') ?? 0) > 1000 * 300);
  const threads = lines.filter(({ name }) => name === 'headgate_thread_cpu_seconds_total');
  t.same(
    threads.map(({ labels }) => labels['thread']),
    ['0', '1'],
  );
  t.ok(
    threads.every(({ value }) => value > 0 && value < 600),
    'seconds',
  );
  t.ok((valueOf(lines, 'headgate_thread_turns_total', { thread: '0' }) ?? 0) > 10);
  t.ok((valueOf(lines, 'headgate_thread_pool_blocks', { thread: '0' }) ?? 0) >= 64);
  t.ok(valueOf(lines, 'process_cpu_seconds_total') !== undefined, 'of the process too');

  feeder.stop();
  for (const id of [1, 2, 3]) await viewers.leave(id);
  await until('the end of the peers', () => gateway.stats().peers === 0);
  mountpoint.close();
  // As of the last second: until that is one without them.
  const after = await until('a second without them', async () => {
    const now = await metrics.lines();
    const peers = now.filter(({ name }) => name === 'headgate_thread_peers').map(({ value }) => value);
    return peers.every((count) => count === 0) && now;
  });
  const totals = lines.filter(({ name }) => name.startsWith('headgate_') && name.endsWith('_total'));
  for (const { name, labels, value } of totals) {
    if (name.startsWith('headgate_mountpoint_')) continue;
    t.ok((valueOf(after, name, labels) ?? -1) >= value, `${name} does not fall`);
  }
  t.ok((valueOf(after, 'headgate_source_packets_total') ?? 0) > 100, 'nor when a mountpoint goes');
  t.equal(valueOf(after, 'headgate_mountpoint_viewers'), undefined);
});

t.test('each metric that the dashboard asks for exists, and names are as they should be', async (t) => {
  const gateway = await testGateway(t);
  await audioAndVideo(gateway);
  const { read } = await serve(t, gateway, { webhooks: [eventWebhook(gateway, { url: 'http://127.0.0.1:9/' })] });
  const text = await read();
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
  const there = new Set(parse(text).map(({ name }) => name));

  const dashboard = readFileSync(new URL('../../examples/grafana/dashboard.json', import.meta.url), 'utf8');
  const { panels } = JSON.parse(dashboard) as { panels: { targets: { expr: string }[] }[] };
  const asked = panels.flatMap(({ targets }) => targets).flatMap(({ expr }) => expr.match(/\b\w+(?=\{)/g) ?? []);

  t.ok(asked.length > 20);
  for (const name of new Set(asked)) {
    t.ok(there.has(name), `${name} exists`);
    if (name.endsWith('_total')) t.equal(types.get(name), 'counter', name);
  }
  for (const [name, type] of types) {
    if (!name.startsWith('headgate_')) continue;
    t.equal(type, name.endsWith('_total') ? 'counter' : 'gauge', `${name} is a ${type}`);
    t.notMatch(name, /_(ms|milliseconds|bits|kilobytes)(_|$)/, 'base units');
  }
});

t.test('two gateways in one process do not meet, and join a registry of the application', async (t) => {
  const [one, other] = [await testGateway(t), await testGateway(t)];
  await one.createMountpoint({ id: 1, media: [{ type: 'audio', mid: 'a', codec: 'opus', port: 0 }] });
  const first = await serve(t, one, { labels: { gateway: 'one' } });
  const second = await serve(t, other, { prefix: 'edge_', defaultMetrics: false, perMountpoint: false });

  t.equal(valueOf(await first.lines(), 'headgate_mountpoints', { gateway: 'one' }), 1);
  const lines = await second.lines();
  t.equal(valueOf(lines, 'edge_mountpoints'), 0);
  t.ok(lines.every(({ name }) => name.startsWith('edge_') && !name.includes('mountpoint_')));
  const joined = parse(await Registry.merge([first.handler.registry, second.handler.registry]).metrics());
  t.equal(valueOf(joined, 'headgate_mountpoints'), 1);
  t.equal(valueOf(joined, 'edge_mountpoints'), 0);

  await one.close();
  const ended = await first.lines();
  t.equal(valueOf(ended, 'headgate_mountpoints'), undefined, 'a gateway that is closed has no figures');
  t.ok(valueOf(ended, 'process_cpu_seconds_total') !== undefined, 'the process still does');
});

t.test('mountpoints beyond the bound have no figures of their own', async (t) => {
  const gateway = await testGateway(t);
  for (const id of [5, 3, 4]) {
    await gateway.createMountpoint({ id, media: [{ type: 'audio', mid: 'a', codec: 'opus', port: 0 }] });
  }
  const { lines } = await serve(t, gateway, { maxMountpoints: 2 });

  const found = (await lines()).filter(({ name }) => name === 'headgate_mountpoint_viewers');
  t.same(
    found.map(({ labels }) => labels['mountpoint']),
    ['5', '3'],
  );
});

import type { IncomingMessage, ServerResponse } from 'node:http';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { Gateway } from '../gateway.js';
import { option, readOptions } from '../options.js';
import { gatewayMetrics, type Metric, type Snapshot } from './gateway-metrics.js';
import { mountpointMetrics } from './mountpoint-metrics.js';
import { webhookMetrics } from './webhook-metrics.js';
import type { EventWebhook } from './webhooks.js';

/** What {@link prometheusMetrics} takes. */
export interface PrometheusOptions {
  /** In front of each name. Default `headgate_`. */
  prefix?: string;
  /** Of the process too: memory, processor, event loop. Default true. */
  defaultMetrics?: boolean;
  /** Of each mountpoint and track, by `mountpoint` and `mid`. Default true. */
  perMountpoint?: boolean;
  /** Mountpoints that get figures of their own, the oldest ones; the others are in the sums alone. Default 200. */
  maxMountpoints?: number;
  /** Go with each metric: `{ gateway: 'edge-1' }`. */
  labels?: Readonly<Record<string, string>>;
  /** Whose figures are told too. */
  webhooks?: readonly EventWebhook[];
}

/** What {@link prometheusMetrics} returns: a request handler, with what it serves. */
export interface PrometheusHandler {
  (req: IncomingMessage, res: ServerResponse): void;
  /** Of the metrics; `Registry.merge()` of prom-client joins it with the application's own. */
  readonly registry: Registry;
}

const OPTIONS = {
  prefix: option.string({ pattern: /^[a-zA-Z_:][\w:]*$/, expected: 'letters, digits and _', default: 'headgate_' }),
  defaultMetrics: option.boolean({ default: true }),
  perMountpoint: option.boolean({ default: true }),
  maxMountpoints: option.integer({ min: 1, max: 100_000, default: 200 }),
  labels: { read: (_path: string, value: unknown) => (value ?? {}) as Readonly<Record<string, string>> },
  webhooks: { read: (_path: string, value: unknown) => (value ?? []) as readonly EventWebhook[] },
};

/**
 * A gateway's figures for Prometheus: mount it where they are to be read. Each
 * has a registry of its own, so that gateways in one process do not meet.
 *
 * @throws {@link UsageError} `HG_ERR_OPTION`
 * @example
 * app.get('/metrics', prometheusMetrics(gateway));
 */
export function prometheusMetrics(gateway: Gateway, options: PrometheusOptions = {}): PrometheusHandler {
  const settings = readOptions('prometheusMetrics', options, OPTIONS);
  const registry = new Registry();
  registry.setDefaultLabels({ ...settings.labels });
  if (settings.defaultMetrics) collectDefaultMetrics({ register: registry });
  const metrics = [
    ...gatewayMetrics(),
    ...(settings.perMountpoint ? mountpointMetrics(settings.maxMountpoints) : []),
    ...(settings.webhooks.length > 0 ? webhookMetrics(settings.webhooks) : []),
  ];
  const read = snapshots(gateway);
  for (const metric of metrics) register(registry, settings.prefix, metric, read);

  const handler = (_req: IncomingMessage, res: ServerResponse): void => {
    registry.metrics().then(
      (text) => res.setHeader('Content-Type', registry.contentType).end(text),
      (error: unknown) => {
        gateway.logger.error({ err: error }, 'metrics could not be read');
        res.statusCode = 500;
        res.end();
      },
    );
  };
  return Object.assign(handler, { registry });
}

/** One reading serves all metrics that are collected in the same turn. */
function snapshots(gateway: Gateway): () => Snapshot | null {
  let current: Snapshot | null = null;
  return () => {
    if (gateway.closed) return null;
    if (current === null) {
      current = { gateway, stats: gateway.stats() };
      setImmediate(() => (current = null));
    }
    return current;
  };
}

function register(registry: Registry, prefix: string, metric: Metric, read: () => Snapshot | null): void {
  const { name, help, labels = [] } = metric;
  const settings = { name: prefix + name, help, labelNames: [...labels], registers: [registry] };
  // Counters that somebody else counted: each time anew from nothing.
  if (metric.type === 'counter') {
    const counter: Counter = new Counter({
      ...settings,
      collect: () => collect((values, value) => counter.inc(values, value), counter),
    });
  } else {
    const gauge: Gauge = new Gauge({
      ...settings,
      collect: () => collect((values, value) => gauge.set(values, value), gauge),
    });
  }

  function collect(
    add: (values: Record<string, string>, value: number) => void,
    all: { reset(): void; remove(labels: object): void },
  ): void {
    all.reset();
    const snapshot = read();
    if (snapshot === null) {
      // A reset leaves a 0 where there are no labels.
      all.remove({});
      return;
    }
    for (const { value, ...values } of metric.read(snapshot)) add(values as Record<string, string>, value);
  }
}

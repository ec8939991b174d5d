import type { Metric, Sample } from './gateway-metrics.js';
import type { EventWebhook, EventWebhookStats } from './webhooks.js';

/** Of webhooks, by their place in the list. */
export function webhookMetrics(webhooks: readonly EventWebhook[]): Metric[] {
  const of = (type: Metric['type'], name: string, help: string, figure: keyof EventWebhookStats): Metric => ({
    type,
    name: `webhook_${name}`,
    help,
    labels: ['webhook'],
    read: () => webhooks.map((one, index): Sample => ({ webhook: String(index), value: one.stats()[figure] })),
  });
  return [
    of('counter', 'delivered_events_total', 'Events that a webhook took.', 'delivered'),
    of('counter', 'dropped_events_total', 'Events dropped because too many waited for a webhook.', 'dropped'),
    of('counter', 'failed_events_total', 'Events whose post to a webhook failed too often.', 'failed'),
    of('counter', 'retries_total', 'Posts to a webhook that were tried again.', 'retries'),
    of('gauge', 'waiting_events', 'Events that wait for a webhook.', 'waiting'),
  ];
}

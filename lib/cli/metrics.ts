import { createServer } from 'node:http';
import type { Gateway } from '../gateway.js';
import { prometheusMetrics } from '../observe/metrics.js';
import type { EventWebhook } from '../observe/webhooks.js';
import type { MetricsAddress } from './arguments.js';
import { listen, urlHost, type Listener } from './listen.js';

/**
 * Serves a gateway's figures for Prometheus.
 *
 * @throws {@link ResourceError} `HG_ERR_LISTEN`
 */
export async function startMetrics(
  gateway: Gateway,
  webhooks: readonly EventWebhook[],
  { host, port }: MetricsAddress,
): Promise<Listener> {
  const answer = prometheusMetrics(gateway, { webhooks });
  const server = createServer((req, res) => {
    const path = req.url?.split('?')[0];
    if (path !== '/metrics')
      res.writeHead(404, { 'Content-Type': 'text/plain' }).end('There is /metrics, nothing else.\n');
    else if (req.method !== 'GET' && req.method !== 'HEAD') res.writeHead(405, { Allow: 'GET, HEAD' }).end();
    else answer(req, res);
  });
  const address = `http://${urlHost(host)}:${String(port)}/metrics`;
  return listen(server, { what: 'metrics', address, target: { host, port }, setting: ' (--metrics)' });
}

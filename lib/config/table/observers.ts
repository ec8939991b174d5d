/** The files of loggers and event handlers. */
import { JSON_CHOICES, NO_USE, OK, rows } from './row.js';

export const JSONLOG = rows('janus.logger.jsonlog', [
  ['general.enabled', 'boolean', OK, 'log.jsonEnabled'],
  ['general.json', JSON_CHOICES, NO_USE, { note: 'each entry is one line', silent: '*' }],
  ['general.filename', 'text', OK, 'log.jsonFile'],
]);

export const SAMPLE_EVENT_HANDLER = rows('janus.eventhandler.sampleevh', [
  ['general.enabled', 'boolean', OK, { to: 'webhook.enabled', note: 'with `events.broadcast` of `janus.jcfg`' }],
  ['general.events', 'event kinds', OK, 'webhook.kinds'],
  ['general.grouping', 'boolean', OK, 'webhook.grouping'],
  ['general.json', JSON_CHOICES, OK, 'webhook.json'],
  ['general.compress', 'boolean', OK, { to: 'webhook.compress', note: 'gzip' }],
  ['general.compression', 'integer', OK, { to: 'webhook.compression', min: 1, max: 9 }],
  ['general.backend', 'URL', OK, 'webhook.url'],
  ['general.backend_user', 'text', OK, 'webhook.user'],
  ['general.backend_pwd', 'text', OK, { to: 'webhook.password', secret: true }],
  ['general.max_retransmissions', 'integer', OK, { to: 'webhook.retries', min: 0, max: 1000 }],
  ['general.retransmissions_backoff', 'milliseconds', OK, { to: 'webhook.backoff', min: 1, max: 60_000 }],
]);

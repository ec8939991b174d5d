/** The event handler of a configuration: events go to an HTTP server, as with Janus' sample event handler. */
import type { Settings } from '../config/settings.js';
import { EVENT_WORDS, readEventKinds } from '../config/event-kinds.js';
import { defined } from './defined.js';
import { GatewayError } from '../errors.js';
import type { Gateway } from '../gateway.js';
import { eventWebhook, type EventWebhook, type WebhookChanges } from '../observe/webhooks.js';
import { EVENT_TYPES, type HandlerEvent } from '../session/handler-events.js';
import { own, show, type Body } from '../signalling/request.js';
import { writeJson } from '../signalling/wire.js';

const PACKAGE = 'janus.eventhandler.sampleevh';
/** As in Janus. */
const COMPRESSION = 9;

/** Numbers of its answers to the admin API. */
const ERROR = { INVALID_REQUEST: 411, MISSING: 412, INVALID: 413 } as const;

/** Starts it; null if the configuration has none. It ends with the gateway. */
export function startEventHandler(gateway: Gateway, { webhook = {}, events = {} }: Settings): EventWebhook | null {
  const { enabled, url, kinds, grouping, json = 'indented', compress, compression, retries, backoff } = webhook;
  if (enabled !== true || events.broadcast !== true || url === undefined) return null;
  const silent = new Set(
    (['plugin', 'transport'] as const).flatMap((kind) =>
      Object.entries(events[kind] ?? {}).flatMap(([name, told]) => (told ? [] : [`janus.${kind}.${name}`])),
    ),
  );
  const started = eventWebhook(gateway, {
    url,
    ...defined({ kinds, grouping, retries, backoff }),
    ...authOf(webhook),
    ...(silent.size === 0 ? {} : { filter: (event) => !silent.has(sourceOf(event)) }),
    serialize: (value) => writeJson(value, json),
    compression: compress === true ? (compression ?? COMPRESSION) : 0,
  });
  const credentials = { user: webhook.user, password: webhook.password };
  gateway.events.handlers.set(PACKAGE, {
    name: 'Sample event handler',
    description: 'Posts events to an HTTP server',
    query: (request) => query(started, credentials, request),
  });
  return started;
}

/** The package of the plugin or transport that tells an event of itself; of any other event: ''. */
function sourceOf({ type, event }: HandlerEvent): string {
  // Handles have a member "plugin", too.
  if (type === EVENT_TYPES.plugin && 'plugin' in event) return event.plugin;
  if (type !== EVENT_TYPES.transport || !('transport' in event)) return '';
  return typeof event.transport === 'string' ? event.transport : '';
}

interface Credentials {
  user?: string | undefined;
  password?: string | undefined;
}

function authOf({ user, password }: Credentials): Pick<WebhookChanges, 'auth'> {
  return user === undefined ? {} : { auth: { user, password: password ?? '' } };
}

/** Answers `query_eventhandler`: `tweak` changes what it names, all of it or nothing. */
function query(webhook: EventWebhook, credentials: Credentials, body: Body): object {
  const request = own(body, 'request');
  if (request === undefined) return failure(ERROR.MISSING, '"request" is missing: it must be a string');
  if (typeof request !== 'string') return failure(ERROR.INVALID, '"request" must be a string');
  if (request !== 'tweak') return failure(ERROR.INVALID_REQUEST, `there is no request ${show(request)}`);

  const texts = ['events', 'backend', 'backend_user', 'backend_pwd'] as const;
  for (const name of texts) {
    if (!['undefined', 'string'].includes(typeof own(body, name))) {
      return failure(ERROR.INVALID, `"${name}" must be a string`);
    }
  }
  const text = (name: (typeof texts)[number]) => own(body, name) as string | undefined;
  const words = text('events');
  const kinds = words === undefined ? undefined : readEventKinds(words);
  if (words !== undefined && kinds === undefined) return failure(ERROR.INVALID, `"events" must be ${EVENT_WORDS}`);
  const user = text('backend_user') ?? credentials.user;
  const password = text('backend_pwd') ?? credentials.password;
  try {
    webhook.change({
      ...defined({
        kinds,
        url: text('backend'),
        grouping: own(body, 'grouping') as boolean | undefined,
        retries: own(body, 'max_retransmissions') as number | undefined,
        backoff: own(body, 'retransmissions_backoff') as number | undefined,
      }),
      ...authOf({ user, password }),
    });
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return failure(ERROR.INVALID, inWordsOfJanus(error.message));
  }
  Object.assign(credentials, { user, password });
  return { result: 200 };
}

const FIELDS = {
  url: 'backend',
  grouping: 'grouping',
  retries: 'max_retransmissions',
  backoff: 'retransmissions_backoff',
};

/** `eventWebhook.retries: expected …` → `"max_retransmissions": expected …` */
function inWordsOfJanus(text: string): string {
  return text.replace(/^eventWebhook\.(\w+)/, (all, name: string) =>
    name in FIELDS ? `"${FIELDS[name as keyof typeof FIELDS]}"` : all,
  );
}

function failure(code: number, text: string): object {
  return { error_code: code, error: text };
}

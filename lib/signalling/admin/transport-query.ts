import { own, show } from '../request.js';
import type { Body } from '../request.js';
import type { TransportMount } from '../janus-api.js';
import type { JsonFormat } from '../wire.js';
import { JSON_FORMATS } from '../wire.js';

const ERROR = { INVALID_REQUEST: 411, MISSING: 412, INVALID: 413 } as const;
const OK = { result: 200 };

/** Answers a `query_transport`, for all places where the transport is mounted. */
export function queryTransport(mounts: ReadonlySet<TransportMount>, body: Body): object {
  const request = own(body, 'request');
  if (request === undefined) return failure(ERROR.MISSING, '"request" is missing: it must be a string');
  if (typeof request !== 'string') return failure(ERROR.INVALID, '"request" must be a string');
  switch (request) {
    case 'configure':
      return configure(mounts, body);
    case 'connections':
      return { ...OK, connections: [...mounts].reduce((sum, { connections }) => sum + connections, 0) };
    default:
      return failure(ERROR.INVALID_REQUEST, `there is no request ${show(request)}`);
  }
}

/** `events` is taken and changes nothing: a mount sends no events about itself. */
function configure(mounts: ReadonlySet<TransportMount>, body: Body): object {
  const [events, json] = [own(body, 'events'), own(body, 'json')];
  if (events !== undefined && typeof events !== 'boolean') {
    return failure(ERROR.INVALID, '"events" must be true or false');
  }
  if (json === undefined) return OK;
  if (typeof json !== 'string') return failure(ERROR.INVALID, '"json" must be a string');
  if (!isFormat(json))
    return { ...OK, notes: [`json stays as it was: ${show(json)} is none of ${JSON_FORMATS.join(', ')}`] };
  for (const mount of mounts) mount.setFormat(json);
  return OK;
}

function isFormat(text: string): text is JsonFormat {
  return (JSON_FORMATS as readonly string[]).includes(text);
}

function failure(code: number, text: string): object {
  return { error_code: code, error: text };
}

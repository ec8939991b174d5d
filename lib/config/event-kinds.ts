import { EVENT_TYPES, type EventKind } from '../session/handler-events.js';

const KINDS = Object.keys(EVENT_TYPES) as EventKind[];
/** How Janus writes kinds in lists. */
const WORDS: ReadonlyMap<string, EventKind> = new Map([
  ['sessions', 'session'],
  ['handles', 'handle'],
  ['jsep', 'jsep'],
  ['webrtc', 'webrtc'],
  ['media', 'media'],
  ['plugins', 'plugin'],
  ['transports', 'transport'],
  ['core', 'core'],
  ['external', 'external'],
]);

/** What such lists may have, for people. */
export const EVENT_WORDS = `"all", "none", or some of "${[...WORDS.keys()].join(',')}"`;

/** The kinds that a list as `"sessions,handles"` names; undefined if it has other words. */
export function readEventKinds(text: string): readonly EventKind[] | undefined {
  const words = text.split(',').map((word) => word.trim());
  if (words.includes('all')) return KINDS;
  if (text.trim() === 'none') return [];
  const kinds = words.map((word) => WORDS.get(word));
  return kinds.includes(undefined) ? undefined : (kinds as EventKind[]);
}

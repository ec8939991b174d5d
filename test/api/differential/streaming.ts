import type { Scenario, Step } from './play.js';

/** The file of the reference, and what the gateway has in its place. */
export const STREAMING_CONFIG = `
general: { admin_key = "key" }
radio: {
  type = "rtp" id = 1 description = "radio" secret = "secret" pin = "pin" metadata = "about"
  media = (
    { type = "audio" mid = "a" label = "audio" port = 0 pt = 111 codec = "opus" },
    { type = "video" mid = "v" label = "video" port = 0 pt = 100 codec = "vp8" }
  )
}
open: { type = "rtp" id = 2 description = "open" media = ( { type = "video" mid = "v" label = "v" port = 0 pt = 100 codec = "vp8" } ) }
`;
export const MOUNTPOINTS = [
  {
    id: 1,
    description: 'radio',
    secret: 'secret',
    pin: 'pin',
    metadata: 'about',
    media: [
      { type: 'audio', mid: 'a', label: 'audio', port: 0, payloadType: 111, codec: 'opus' },
      { type: 'video', mid: 'v', label: 'video', port: 0, payloadType: 100, codec: 'vp8' },
    ],
  },
  {
    id: 2,
    description: 'open',
    media: [{ type: 'video', mid: 'v', label: 'v', port: 0, payloadType: 100, codec: 'vp8' }],
  },
] as const;

const create: Step = { ask: { janus: 'create' }, as: 'session' };
const attach: Step = {
  ask: { janus: 'attach', session_id: '$session', plugin: 'janus.plugin.streaming' },
  as: 'handle',
};
const message = (body: object, jsep?: object): Step => ({
  ask: { janus: 'message', session_id: '$session', handle_id: '$handle', body, ...(jsep ? { jsep } : {}) },
});
const media = [{ type: 'video', mid: 'v', port: 0, pt: 100, codec: 'vp8' }];

const badCreates: readonly object[] = [
  {},
  { type: 5 },
  { type: 'nothing' },
  { type: 'rtp' },
  { type: 'rtp', id: 'text', media },
  { type: 'rtp', id: -1, media },
  { type: 'rtp', id: 1, media },
  { type: 'rtp', media: [] },
  { type: 'rtp', media: 'text' },
  { type: 'rtp', media: [5] },
  { type: 'rtp', media: [{}] },
  { type: 'rtp', media: [{ type: 'video' }] },
  { type: 'rtp', media: [{ type: 'smell', mid: 's', port: 0 }] },
  { type: 'rtp', media, permanent: 'yes' },
  { type: 'rtp', media, is_private: 'yes' },
  { type: 'rtp', media, secret: 5 },
  { type: 'rtp', media, pin: 5 },
  { type: 'rtp', media, description: 5 },
  { type: 'rtp', media, name: 5 },
  { type: 'live' },
  { type: 'ondemand' },
  { type: 'live', filename: '/nothing' },
];

/** The streaming plugin, over a WebSocket. */
export const streamingScenarios: readonly Scenario[] = [
  {
    name: 'streaming, synchronous',
    steps: [
      create,
      attach,
      message({}),
      message({ request: 5 }),
      message({ request: 'nothing' }),
      message({ request: 'list' }),
      message({ request: 'info' }),
      message({ request: 'info', id: 'text' }),
      message({ request: 'info', id: -1 }),
      message({ request: 'info', id: 77 }),
      message({ request: 'info', id: 1 }),
      message({ request: 'info', id: 1, secret: 'secret' }),
      message({ request: 'info', id: 1, secret: 'wrong' }),
      message({ request: 'info', id: 1, secret: 5 }),
      message({ request: 'info', id: 2 }),
      message({ request: 'enable' }),
      message({ request: 'enable', id: 1 }),
      message({ request: 'enable', id: 1, secret: 'wrong' }),
      message({ request: 'disable', id: 1, secret: 'secret' }),
      message({ request: 'list' }),
      message({ request: 'enable', id: 1, secret: 'secret' }),
      message({ request: 'enable', id: 77 }),
      message({ request: 'disable', id: 77 }),
      message({ request: 'kick_all' }),
      message({ request: 'kick_all', id: 77 }),
      message({ request: 'kick_all', id: 1 }),
      message({ request: 'kick_all', id: 1, secret: 'secret' }),
      message({ request: 'recording' }),
      message({ request: 'recording', id: 77 }),
      message({ request: 'recording', id: 1, secret: 'secret' }),
      message({ request: 'recording', id: 1, secret: 'secret', action: 'nothing' }),
      message({ request: 'recording', id: 1, secret: 'secret', action: 5 }),
      message({ request: 'recording', id: 1, secret: 'secret', action: 'stop' }),
      message({ request: 'edit' }),
      message({ request: 'edit', id: 77 }),
      message({ request: 'edit', id: 1 }),
      message({ request: 'edit', id: 1, secret: 'secret', new_description: 5 }),
      message({ request: 'edit', id: 1, secret: 'secret', new_description: 'new' }),
      message({ request: 'edit', id: 1, secret: 'secret', new_is_private: 'x' }),
      message({ request: 'destroy' }),
      message({ request: 'destroy', id: 'text' }),
      message({ request: 'destroy', id: 77 }),
      message({ request: 'destroy', id: 1 }),
      message({ request: 'destroy', id: 1, secret: 'wrong' }),
    ],
  },
  {
    name: 'streaming, create',
    steps: [
      create,
      attach,
      message({ request: 'create' }),
      message({ request: 'create', admin_key: 'wrong' }),
      message({ request: 'create', admin_key: 5 }),
      ...badCreates.map((body) => message({ request: 'create', admin_key: 'key', ...body })),
      message({ request: 'create', admin_key: 'key', type: 'rtp', id: 99, media, description: 'made', secret: 's' }),
      message({ request: 'info', id: 99, secret: 's' }),
      message({ request: 'create', admin_key: 'key', type: 'rtp', id: 99, media }),
      message({ request: 'destroy', id: 99, secret: 's' }),
      message({
        request: 'create',
        admin_key: 'key',
        type: 'rtp',
        id: 98,
        description: 'as the wiki makes it',
        audio: true,
        video: true,
        audioport: '$audioport',
        audiopt: 111,
        audiortpmap: 'opus/48000/2',
        videoport: '$videoport',
        videopt: 100,
        videortpmap: 'VP8/90000',
        permanent: false,
      }),
      message({ request: 'destroy', id: 98 }),
    ],
  },
  {
    name: 'streaming, watching',
    steps: [
      create,
      attach,
      message({ request: 'start' }),
      message({ request: 'pause' }),
      message({ request: 'stop' }),
      message({ request: 'switch', id: 2 }),
      message({ request: 'configure' }),
      message({ request: 'watch' }),
      message({ request: 'watch', id: 'text' }),
      message({ request: 'watch', id: 77 }),
      message({ request: 'watch', id: 1 }),
      message({ request: 'watch', id: 1, pin: 'wrong' }),
      message({ request: 'watch', id: 1, pin: 5 }),
      message({ request: 'watch', id: 1, pin: 'pin' }),
      message({ request: 'watch', id: 1, pin: 'pin' }),
      message({ request: 'pause' }),
      message({ request: 'start' }),
      message({ request: 'configure', mid: 'v', send: false }),
      message({ request: 'configure', mid: 'v', substream: 5 }),
      message({ request: 'switch' }),
      message({ request: 'switch', id: 77 }),
      message({ request: 'watch', id: 2, offer_audio: 'yes' }),
      message({ request: 'watch', id: 2, media: 'v' }),
      message({ request: 'stop' }),
    ],
  },
];

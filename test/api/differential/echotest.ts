import type { Scenario, Step } from './play.js';

const create: Step = { ask: { janus: 'create' }, as: 'session' };
const attach: Step = {
  ask: { janus: 'attach', session_id: '$session', plugin: 'janus.plugin.echotest' },
  as: 'handle',
};
const message = (body: object, jsep?: object): Step => ({
  ask: { janus: 'message', session_id: '$session', handle_id: '$handle', body, ...(jsep ? { jsep } : {}) },
});
const bodies: readonly object[] = [
  { audio: true },
  { audio: 'yes' },
  { video: 1 },
  { bitrate: 0 },
  { bitrate: 128_000 },
  { bitrate: -1 },
  { bitrate: 'fast' },
  { record: true, filename: 5 },
  { record: 'yes' },
  { substream: 1 },
  { substream: 3 },
  { substream: -1 },
  { substream: 'low' },
  { temporal: 1 },
  { temporal: 3 },
  { temporal: 'low' },
  { spatial_layer: 1 },
  { temporal_layer: 1 },
  { svc: true },
  { fallback: 250_000 },
  { fallback: 'x' },
  { audiocodec: 'opus' },
  { audiocodec: 5 },
  { videocodec: 'vp9' },
  { videocodec: 7 },
  { videoprofile: 5 },
  { request: 'unknown' },
  { nothing: true },
  { data: true },
];

/** The echo test, over a WebSocket. */
export const echotestScenarios: readonly Scenario[] = [
  { name: 'echo test without a peer', steps: [create, attach, message({}), ...bodies.map((body) => message(body))] },
  {
    name: 'echo test with a peer',
    steps: [
      create,
      attach,
      message({ audio: true, video: true }, { type: 'offer', sdp: '$offer' }),
      ...bodies.map((body) => message(body)),
    ],
  },
  ...bodies.map((body, index): Scenario => {
    const jsep = { type: 'offer', sdp: '$offer' };
    return {
      name: `echo test, offer with ${JSON.stringify(bodies[index])}`,
      steps: [create, attach, message(body, jsep)],
    };
  }),
];

// What clients do while the events of a server are recorded: a viewer of a
// mountpoint and a publisher of the echo test, with real ICE, DTLS and SRTP. The
// same with Janus, whose events are the fixture, and with ours.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import {
  addCommand,
  connectCommand,
  JanusSession,
  readDescription,
  writeAnswer,
  writeDataOffer,
  writeVideoOffer,
} from '../../bench/janus-api.mjs';
import { Child } from '../../bench/processes.mjs';

const PATIENCE = 30;

function start(name, ...args) {
  const path = join(import.meta.dirname, '../../build/test', name);
  if (!existsSync(path)) throw new Error(`${path} is missing: node native/build.mjs --preset test --target ${name}`);
  // In a run on the sanitizers' addon, only node is to be preloaded.
  return new Child(path, args, { name, env: { LD_PRELOAD: '' } });
}

const is = (name) => (message) => message.event === name && (message.id === undefined || message.id === 1);

/** One object of each track, whether they come alone or together. */
const statistics = ({ type, subtype, event }) => (type === 32 && subtype === 3 ? [event].flat() : []);

/**
 * Plays it against the server at `url` and `ws`, which has a VP8 mountpoint 1 with the
 * port `feedPort`. `heard(what, matches)` waits until such an event was sent.
 */
export async function playScenario({ url, ws, address, feedPort, heard }) {
  const children = [];
  const child = (...args) => {
    const made = start(...args);
    children.push(made);
    return made;
  };
  const session = await JanusSession.open(url);
  try {
    const feeder = child('feeder', address, String(feedPort), '2', '30');
    feeder.send('start');
    await watch(session, child('load_client', address), heard);
    feeder.send('stop');
    await echo(session, child('publish_client', address), heard);
    await exchangeMessages(session, child('publish_client', address), heard);
    await visitByWebSocket(ws, heard);
  } finally {
    await session.close();
    for (const one of children) await one.close('SIGKILL');
  }
}

async function watch(session, client, heard) {
  const handle = await session.attach('janus.plugin.streaming', 'viewer-7');
  const { jsep } = await session.message(handle, { request: 'watch', id: 1 });
  const offer = readDescription(jsep.sdp);
  client.send(addCommand(1, offer));
  const local = await client.next(is('local'), PATIENCE, 'candidates');
  const answer = { type: 'answer', sdp: writeAnswer(offer, local) };
  await session.message(handle, { request: 'start' }, answer);
  await client.next(is('media'), PATIENCE, 'media');
  await heard('statistics of a viewer', (event) => statistics(event).some((track) => track['packets-sent'] > 0));
  await session.message(handle, { request: 'pause' });
  await session.message(handle, { request: 'start' });
  await session.ask(handle, {
    request: 'create',
    type: 'rtp',
    id: 2,
    media: [{ type: 'video', mid: 'v', codec: 'vp8', pt: 100, port: 0 }],
  });
  await session.ask(handle, { request: 'edit', id: 2, new_description: 'two' });
  await session.message(handle, { request: 'switch', id: 2 });
  await session.message(handle, { request: 'switch', id: 1 });
  await session.ask(handle, { request: 'destroy', id: 2 });
  await session.message(handle, { request: 'stop' });
  await heard('the end of the viewer', ({ type, event }) => type === 16 && event.connection === 'hangup');
  await session.detach(handle);
}

async function echo(session, client, heard) {
  const handle = await session.attach('janus.plugin.echotest', 'echo-7');
  client.send('add id=1');
  const local = await client.next(is('local'), PATIENCE, 'candidates');
  const [candidate] = local.candidates;
  const sdp = writeVideoOffer(1, { ...local, candidates: [] }).replace('a=end-of-candidates\r\n', '');
  const { jsep } = await session.message(handle, { audio: true, video: true }, { type: 'offer', sdp });
  client.send(connectCommand(1, readDescription(jsep.sdp)));
  await session.trickle(handle, { candidate, sdpMid: '0', sdpMLineIndex: 0 });
  await session.trickle(handle, { completed: true });
  await client.next(is('connected'), PATIENCE, 'connection');
  client.send('video 240 4');
  await heard('received video', ({ type, subtype, event }) => type === 32 && subtype === 1 && event.receiving === true);
  await heard('statistics of a publisher', (event) =>
    statistics(event).some((track) => track['bytes-received-lastsec'] > 0),
  );
  client.send('quiet');
  await heard('silence', ({ type, subtype, event }) => type === 32 && subtype === 1 && event.receiving === false);
  await session.hangup(handle);
  await heard(
    'the end of the publisher',
    ({ type, handle_id, event }) => type === 16 && handle_id === handle && event.connection === 'hangup',
  );
  await session.detach(handle);
}

async function exchangeMessages(session, client, heard) {
  const handle = await session.attach('janus.plugin.echotest', 'data-7');
  client.send('add id=1');
  const local = await client.next(is('local'), PATIENCE, 'candidates');
  const { jsep } = await session.message(handle, {}, { type: 'offer', sdp: writeDataOffer(local) });
  client.send(connectCommand(1, readDescription(jsep.sdp)));
  await client.next(is('connected'), PATIENCE, 'connection');
  client.send('messages 20 100');
  const ofMessages = (event) =>
    event.handle_id === handle &&
    statistics(event).some((line) => line.media === 'data' && line['packets-received'] > 0);
  await heard('statistics of messages', ofMessages);
  await session.detach(handle);
}

async function visitByWebSocket(url, heard) {
  const socket = new WebSocket(url, 'janus-protocol');
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.send(JSON.stringify({ janus: 'create', transaction: 'c', id: 77 }));
  await heard('a session of a WebSocket', ({ type, session_id }) => type === 1 && session_id === 77);
  socket.send(JSON.stringify({ janus: 'destroy', transaction: 'd', session_id: 77 }));
  await heard(
    'its end',
    ({ type, session_id, event }) => type === 1 && session_id === 77 && event.name === 'destroyed',
  );
  socket.close();
  await heard('the end of the WebSocket', ({ type, event }) => type === 128 && event.data.event === 'disconnected');
}

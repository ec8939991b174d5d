/** The verbs, over HTTP and over WebSocket: what a client sends and gets is the same. */
import { createServer } from 'node:http';
import t from 'tap';
import type { Test } from 'tap';

import { janusHttp } from '../../../lib/signalling/http.js';
import { janusWebSocket } from '../../../lib/signalling/websocket.js';
import type { Json, TestGateway } from '../support/signalling.js';
import { HttpClient, listen, LobbyPlugin, OddPlugin, SDP, testGateway, WsClient } from '../support/signalling.js';

/** Sends a message as it is and resolves with the answer. */
type Send = (message: object) => Promise<Json>;

interface Client {
  gateway: TestGateway;
  send: Send;
  session: number;
  lobby: number;
  odd: number;
}

const TRANSPORTS: Record<string, (t: Test, gateway: TestGateway) => Promise<Send>> = {
  HTTP: async (t, gateway) => {
    const http = new HttpClient(`${await listen(t, createServer(janusHttp(gateway)))}/janus`);
    return async (message) => (await http.post('', message)).json;
  },
  WebSocket: async (t, gateway) => {
    const server = createServer();
    const url = await listen(t, server);
    janusWebSocket(gateway, server);
    const ws = await WsClient.connect(t, `${url}/janus`);
    return async (message) => {
      ws.send(message);
      for (;;) {
        const reply = await ws.next();
        if (reply.janus !== 'event') return reply;
      }
    };
  },
};

async function connect(t: Test, transport: string, options?: Parameters<typeof testGateway>[1]): Promise<Client> {
  const gateway = testGateway(t, options);
  const send = await (TRANSPORTS[transport] as (typeof TRANSPORTS)['HTTP'])?.(t, gateway);
  const session = (await send({ janus: 'create', transaction: 'c' })).data.id;
  const attach = async (plugin: string): Promise<number> =>
    (await send({ janus: 'attach', transaction: 'a', session_id: session, plugin })).data.id;
  return { gateway, send, session, lobby: await attach(LobbyPlugin.package), odd: await attach(OddPlugin.package) };
}

for (const transport of Object.keys(TRANSPORTS)) {
  t.test(`over ${transport}`, async (t) => {
    t.test('a session lives from create to destroy', async (t) => {
      const { gateway, send, session } = await connect(t, transport);
      const at = { transaction: 't', session_id: session };

      t.same(await send({ janus: 'keepalive', ...at }), { janus: 'ack', ...at });
      t.same(await send({ janus: 'claim', ...at }), { janus: 'success', ...at });
      t.same(await send({ janus: 'destroy', ...at }), { janus: 'success', ...at });

      t.match(await send({ janus: 'keepalive', ...at }), { error: { code: 458 } });
      t.equal(gateway.sessions.size, 0);
    });

    t.test('verbs compare case-insensitively', async (t) => {
      const { send } = await connect(t, transport);

      t.equal((await send({ janus: 'CREATE', transaction: 't' })).janus, 'success');
      t.equal((await send({ janus: 'Ping', transaction: 't' })).janus, 'pong');
    });

    t.test('a client may choose the id of its session', async (t) => {
      const { send } = await connect(t, transport);

      t.same(await send({ janus: 'create', transaction: 't', id: 7301 }), {
        janus: 'success',
        transaction: 't',
        data: { id: 7301 },
      });
      t.match(await send({ janus: 'create', transaction: 't', id: 7301 }), {
        session_id: 7301,
        transaction: 't',
        error: { code: 468 },
      });
    });

    t.test('a synchronous request is answered by success', async (t) => {
      const { send, session, lobby } = await connect(t, transport);
      const ids = { session_id: session, handle_id: lobby };

      t.same(await send({ janus: 'message', transaction: 't', ...ids, body: { request: 'wait', name: 'Ada' } }), {
        janus: 'success',
        session_id: session,
        transaction: 't',
        sender: lobby,
        plugindata: { plugin: 'example.plugin.lobby', data: { waiting: 1 } },
      });
    });

    t.test('an asynchronous request is acknowledged', async (t) => {
      const { send, session, lobby } = await connect(t, transport);
      const ids = { session_id: session, handle_id: lobby };

      t.same(await send({ janus: 'message', transaction: 't', ...ids, body: { request: 'call', text: 'x' } }), {
        janus: 'ack',
        session_id: session,
        transaction: 't',
      });
    });

    t.test('errors of a plugin are data', async (t) => {
      const { send, session, lobby, odd } = await connect(t, transport);
      const ask = async (handle_id: number, body: object): Promise<Json> => {
        const reply = await send({ janus: 'message', transaction: 't', session_id: session, handle_id, body });
        t.equal(reply.janus, 'success');
        return reply.plugindata.data;
      };

      t.match(await ask(lobby, {}), { lobby: 'event', error_code: 453, error: /request/ });
      t.match(await ask(lobby, { request: 5 }), { lobby: 'event', error_code: 454, error: /request/ });
      t.match(await ask(lobby, { request: null }), { error_code: 454 });
      t.match(await ask(lobby, { request: 'dance' }), { lobby: 'event', error_code: 452 });
      t.match(await ask(lobby, { request: 'wait' }), { error_code: 453, error: /"name".*string/ });
      t.match(await ask(lobby, { request: 'wait', name: 5 }), { error_code: 454, error: /"name".*string/ });
      t.match(await ask(odd, { request: 'wait?' }), { error_code: 411 });
      t.match(await ask(odd, { request: 'throw' }), { error_code: 499, error: 'the plugin failed' });
      t.match(await ask(odd, { request: 'echo', value: { a: 1 } }), { value: { a: 1 } }, 'and others are unaffected');
    });

    t.test('a synchronous request may take its time', async (t) => {
      const { gateway, send, session, odd } = await connect(t, transport);
      const ids = { session_id: session, handle_id: odd };
      const asked = new Promise<void>((resolve) => {
        const { run } = gateway.odd.requests.late;
        gateway.odd.requests.late.run = (...args) => {
          setImmediate(resolve);
          return run(...args);
        };
      });

      const reply = send({ janus: 'message', transaction: 't', ...ids, body: { request: 'late' } });
      await asked;
      gateway.odd.release();

      t.match(await reply, { janus: 'success', transaction: 't', plugindata: { data: { late: true } } });
    });

    t.test('a plugin may refuse whoever attaches', async (t) => {
      const { gateway, send, session } = await connect(t, transport);
      gateway.odd.refuse = new Error('broken');

      t.match(await send({ janus: 'attach', transaction: 't', session_id: session, plugin: OddPlugin.package }), {
        session_id: session,
        transaction: 't',
        error: { code: 461 },
      });
    });

    t.test('opaque ids are shown when the gateway says so', async (t) => {
      const { send, session } = await connect(t, transport, { opaqueIdInApi: true });
      const attach = { janus: 'attach', transaction: 't', session_id: session, plugin: LobbyPlugin.package };
      const handle_id = (await send({ ...attach, opaque_id: 'me' })).data.id;
      const message = { janus: 'message', transaction: 't', session_id: session, handle_id };

      t.match(await send({ ...message, body: { request: 'wait', name: 'x' } }), { opaque_id: 'me' });
    });

    t.test('while the gateway drains, sessions go on and none begins', async (t) => {
      const { gateway, send, session } = await connect(t, transport);

      gateway.sessions.accepting = false;

      t.match(await send({ janus: 'create', transaction: 't' }), { transaction: 't', error: { code: 472 } });
      t.match(await send({ janus: 'keepalive', transaction: 't', session_id: session }), { janus: 'ack' });
      t.match(await send({ janus: 'info', transaction: 't' }), { 'accepting-new-sessions': false });
    });

    t.test('info tells what the gateway is, without anything being configured', async (t) => {
      const { send } = await connect(t, transport);
      const info = await send({ janus: 'info', transaction: 't' });

      t.match(info, {
        janus: 'server_info',
        transaction: 't',
        name: 'headgate',
        version: 1203,
        version_string: '1.2.3',
        'session-timeout': 60,
        'reclaim-session-timeout': 0,
        'candidates-timeout': 45,
        api_secret: false,
        auth_token: false,
        plugins: { 'example.plugin.lobby': { name: 'example.plugin.lobby', version: 1 } },
      });
      t.equal(Object.keys(info.transports).length, 1);
      t.notOk(Object.hasOwn(info, 'session_id'));
    });

    t.test('null ids count as absent, unknown fields are ignored', async (t) => {
      const { send, session } = await connect(t, transport);

      t.match(await send({ janus: 'ping', transaction: 't', session_id: null, handle_id: null, x: 1 }), {
        janus: 'pong',
      });
      t.match(await send({ janus: 'keepalive', transaction: 't', session_id: session, handle_id: null }), {
        janus: 'ack',
      });
      t.match(await send({ janus: 'keepalive', transaction: 't', session_id: null }), { error: { code: 457 } });
      t.match(await send({ janus: 'create', transaction: 't', session_id: 0 }), { janus: 'success' });
    });

    t.test('__proto__ is a name as any other', async (t) => {
      const { send, session, odd } = await connect(t, transport);
      const value: object = JSON.parse(
        '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
      ) as object;
      const body = { request: 'echo', value };

      const reply = await send({ janus: 'message', transaction: 't', session_id: session, handle_id: odd, body });

      t.equal(JSON.stringify(reply.plugindata.data.value), JSON.stringify(value));
      t.equal(({} as Json).polluted, undefined);
    });

    t.test('each mistake has the number that clients know', async (t) => {
      const { gateway, send, session, odd } = await connect(t, transport);
      const T = { transaction: 't' };
      const S = { ...T, session_id: session };
      const H = { ...S, handle_id: odd };
      const message = { janus: 'message', ...H };
      const start = { ...message, body: { request: 'start' } };
      const NO_TRANSACTION = { bare: true };
      const mistakes: [label: string, message: object, code: number | 'ack', how?: { bare: boolean }][] = [
        ['nothing', {}, 456, NO_TRANSACTION],
        ['no janus', T, 456, NO_TRANSACTION],
        ['no transaction', { janus: 'ping' }, 456, NO_TRANSACTION],
        ['no transaction, but a session', { janus: 'keepalive', session_id: session }, 456, NO_TRANSACTION],
        ['janus a number', { janus: 5, ...T }, 467, NO_TRANSACTION],
        ['janus null', { janus: null, ...T }, 467, NO_TRANSACTION],
        ['transaction a number', { janus: 'ping', transaction: 5 }, 467, NO_TRANSACTION],
        ['create, id a string', { janus: 'create', ...T, id: 'x' }, 467, NO_TRANSACTION],
        ['create, id negative', { janus: 'create', ...T, id: -1 }, 467, NO_TRANSACTION],
        ['create, id broken', { janus: 'create', ...T, id: 1.5 }, 467, NO_TRANSACTION],
        ['attach without session', { janus: 'attach', ...T, plugin: LobbyPlugin.package }, 457],
        ['unknown verb without session', { janus: 'dance', ...T }, 457],
        ['session_id a string', { janus: 'keepalive', ...T, session_id: 'x' }, 457],
        ['session_id negative', { janus: 'keepalive', ...T, session_id: -4 }, 458],
        ['handle without session', { janus: 'create', ...T, handle_id: 5 }, 458],
        ['keepalive, unknown session', { janus: 'keepalive', ...T, session_id: 5 }, 458],
        ['create in a session', { janus: 'create', ...S }, 453],
        ['ping in a session', { janus: 'ping', ...S }, 453],
        ['message, unknown handle', { ...message, handle_id: 5, body: {} }, 459],
        ['message, handle_id a string', { ...message, handle_id: 'x' }, 459],
        ['message, handle_id 0', { ...message, handle_id: 0 }, 459],
        ['message, handle_id negative', { ...message, handle_id: -1 }, 459],
        ['keepalive, unknown handle', { janus: 'keepalive', ...S, handle_id: 5 }, 459],
        ['attach without plugin', { janus: 'attach', ...S }, 456],
        ['attach, plugin a number', { janus: 'attach', ...S, plugin: 5 }, 467],
        ['attach, plugin null', { janus: 'attach', ...S, plugin: null }, 467],
        ['attach, plugin unknown', { janus: 'attach', ...S, plugin: 'nobody' }, 460],
        ['attach, plugin inherited', { janus: 'attach', ...S, plugin: '__proto__' }, 460],
        ['attach, opaque_id a number', { janus: 'attach', ...S, plugin: LobbyPlugin.package, opaque_id: 5 }, 467],
        ['attach, loop_index negative', { janus: 'attach', ...S, plugin: LobbyPlugin.package, loop_index: -1 }, 467],
        ['attach with handle', { janus: 'attach', ...H, plugin: LobbyPlugin.package }, 457],
        ['destroy with handle', { janus: 'destroy', ...H }, 457],
        ['detach without handle', { janus: 'detach', ...S }, 457],
        ['hangup without handle', { janus: 'hangup', ...S }, 457],
        ['message without handle', { janus: 'message', ...S, body: {} }, 457],
        ['trickle without handle', { janus: 'trickle', ...S, candidate: null }, 457],
        ['unknown verb in a session', { janus: 'dance', ...S }, 453],
        ['unknown verb in a handle', { janus: 'dance', ...H }, 453],
        ['message without body', message, 456],
        ['message without body, with jsep', { ...message, jsep: 'x' }, 456],
        ['body a string', { ...message, body: 'x' }, 467],
        ['body null', { ...message, body: null }, 467],
        ['body an array', { ...message, body: [] }, 467],
        ['jsep a string', { ...start, jsep: 'x' }, 455],
        ['jsep null', { ...start, jsep: null }, 455],
        ['jsep without type', { ...start, jsep: { sdp: SDP } }, 456],
        ['jsep without sdp', { ...start, jsep: { type: 'offer' } }, 456],
        ['jsep type pranswer', { ...start, jsep: { type: 'pranswer', sdp: SDP } }, 464],
        ['jsep with garbage', { ...start, jsep: { type: 'offer', sdp: 'garbage' } }, 465],
        ['jsep trickle yes', { ...start, jsep: { type: 'offer', sdp: SDP, trickle: 'yes' } }, 467],
        ['an unexpected answer', { ...start, jsep: { type: 'answer', sdp: SDP } }, 469],
        ['trickle nothing', { janus: 'trickle', ...H }, 456],
        ['trickle both', { janus: 'trickle', ...H, candidate: {}, candidates: [] }, 454],
        ['early trickle of garbage', { janus: 'trickle', ...H, candidate: { candidate: 5 } }, 'ack'],
        ['early trickle of candidates that are none', { janus: 'trickle', ...H, candidates: {} }, 'ack'],
      ];

      for (const [label, sent, code, how] of mistakes) {
        const reply = await send(sent);
        if (code === 'ack') t.same(reply, { janus: 'ack', ...S }, label);
        else t.match(reply, { janus: 'error', error: { code, reason: String } }, label);
        t.equal(reply.transaction, how?.bare ? undefined : 't', `${label}: transaction`);
      }
      t.match(await send({ janus: 'message', ...H }), { session_id: session });

      // After negotiation a candidate must be right.
      await send({ ...message, body: { request: 'offer' } });
      const client = gateway.sessions.get(session)?.handles.get(odd);
      t.ok(client?.peer);
      (client?.peer as Json).state = 'stable';
      const text = 'candidate:1 1 udp 2122260223 192.0.2.10 50010 typ host';
      const candidates: [raw: object, code: number | 'ack'][] = [
        [{ candidate: { sdpMid: '0' } }, 456],
        [{ candidate: { candidate: 5, sdpMid: '0' } }, 467],
        [{ candidate: { candidate: text } }, 456],
        [{ candidates: {} }, 467],
        [{ candidate: { candidate: 'garbage', sdpMid: '0' } }, 'ack'],
        [{ candidate: { candidate: text, sdpMid: '0' } }, 'ack'],
        [{ candidate: { completed: true } }, 'ack'],
        [{ candidate: null }, 'ack'],
      ];
      for (const [raw, code] of candidates) {
        const reply = await send({ janus: 'trickle', ...H, ...raw });
        t.equal(reply.error?.code ?? reply.janus, code, JSON.stringify(raw));
      }
    });
  });
}

/** The adapters, in each framework as people use it: with and without its JSON parser. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import express from 'express';
import fastify from 'fastify';
import Koa from 'koa';
import t from 'tap';
import type { Test } from 'tap';

import { janusFastify } from '../../../lib/signalling/fastify.js';
import { janusHttp } from '../../../lib/signalling/http.js';
import { janusKoa } from '../../../lib/signalling/koa.js';
import { janusWebSocket } from '../../../lib/signalling/websocket.js';
import type { TestGateway } from '../support/signalling.js';
import { HttpClient, listen, LobbyPlugin, testGateway, WsClient } from '../support/signalling.js';

/** Makes a server with the API in it; returns where the API is. */
type Framework = (gateway: TestGateway) => Promise<{ server: Server; path: string }>;

/** Like koa-bodyparser: JSON only, and `{}` for what it does not know. */
const koaJson: Koa.Middleware = async (ctx, next) => {
  const request = ctx.request as { body?: unknown };
  request.body = {};
  if (ctx.is('json')) {
    let text = '';
    for await (const chunk of ctx.req) text += String(chunk);
    try {
      request.body = JSON.parse(text);
    } catch {
      ctx.throw(400, 'no JSON');
    }
  }
  await next();
};

/** Like koa-mount. */
const koaMount =
  (prefix: string, middleware: Koa.Middleware): Koa.Middleware =>
  async (ctx, next) => {
    if (!ctx.path.startsWith(`${prefix}/`) && ctx.path !== prefix) return next();
    const before = ctx.path;
    ctx.path = before.slice(prefix.length) || '/';
    await middleware(ctx, async () => {
      ctx.path = before;
      await next();
    });
  };

/** Koa's callback returns a promise that nobody needs. */
function koaServer(app: Koa): Server {
  const handle = app.callback();
  return createServer((req, res) => void handle(req, res));
}

const FRAMEWORKS: Record<string, Framework> = {
  'node:http': async (gateway) => ({ server: createServer(janusHttp(gateway)), path: '/janus' }),
  Express: async (gateway) => ({
    server: createServer(express().use('/janus', janusHttp(gateway))),
    path: '/janus',
  }),
  'Express without a path': async (gateway) => ({
    server: createServer(express().use(janusHttp(gateway))),
    path: '/janus',
  }),
  'Express with all parsers in front': async (gateway) => ({
    server: createServer(
      express()
        .use(express.json(), express.urlencoded({ extended: true }), express.text(), express.raw())
        .use('/janus', janusHttp(gateway)),
    ),
    path: '/janus',
  }),
  'Express with a parser, without a path': async (gateway) => ({
    server: createServer(express().use(express.json()).use(janusHttp(gateway))),
    path: '/janus',
  }),
  'Express in a router': async (gateway) => {
    const handler = janusHttp(gateway);
    const router = express.Router().use('/janus', handler);
    return {
      server: createServer(express().use(express.json()).use('/api', router, handler.errors)),
      path: '/api/janus',
    };
  },
  Koa: async (gateway) => ({ server: koaServer(new Koa().use(janusKoa(gateway))), path: '/janus' }),
  'Koa with a parser behind': async (gateway) => ({
    server: koaServer(new Koa().use(janusKoa(gateway)).use(koaJson)),
    path: '/janus',
  }),
  'Koa, mounted elsewhere': async (gateway) => ({
    server: koaServer(new Koa().use(koaMount('/api', janusKoa(gateway)))),
    path: '/api',
  }),
  Fastify: async (gateway) => {
    const app = fastify();
    await app.register(janusFastify(gateway));
    await app.ready();
    return { server: app.server, path: '/janus' };
  },
  'Fastify with a prefix': async (gateway) => {
    const app = fastify();
    await app.register(janusFastify(gateway), { prefix: '/api/gate' });
    await app.ready();
    return { server: app.server, path: '/api/gate' };
  },
  'Fastify with a path': async (gateway) => {
    const app = fastify();
    await app.register(janusFastify(gateway, { path: '/gate' }), { prefix: '/api' });
    await app.ready();
    return { server: app.server, path: '/api/gate' };
  },
};

async function setUp(
  t: Test,
  name: string,
): Promise<{ gateway: TestGateway; http: HttpClient; url: string; server: Server; path: string }> {
  const gateway = testGateway(t);
  const { server, path } = await (FRAMEWORKS[name] as Framework)(gateway);
  const url = await listen(t, server);
  return { gateway, http: new HttpClient(url + path), url, server, path };
}

for (const name of Object.keys(FRAMEWORKS)) {
  t.test(name, async (t) => {
    t.test('a client can do all it wants', async (t) => {
      const { http, path } = await setUp(t, name);
      const json = { 'content-type': 'application/json' };

      t.match(await http.get('/info'), { status: 200, json: { janus: 'server_info' } });
      const session = await http.create();
      const handle = await http.attach(session);
      t.match(
        await http.post(handle, { janus: 'message', transaction: 't', body: { request: 'wait', name: 'Ada' } }, json),
        {
          status: 200,
          json: { janus: 'success', plugindata: { data: { waiting: 1 } } },
        },
      );
      t.match(await http.message(handle, { request: 'call', text: 'dinner' }), { janus: 'ack' });
      t.match((await http.get(`${session}?maxev=5`)).json, [
        { plugindata: { data: { called: 'dinner' } } },
        { plugindata: { data: { told: 1 } } },
      ]);
      t.equal((await http.get(handle)).headers.get('location'), path + session);
      t.match(await http.request(session, 'destroy'), { janus: 'success' });
      t.equal((await http.get(session)).status, 404);
      t.equal((await http.get('')).status, 404);
    });

    t.test('any content type will do', async (t) => {
      const { http } = await setUp(t, name);
      const types = ['application/json', 'application/json; charset=utf-8', 'text/plain', 'nonsense'];

      for (const type of [...types, 'application/octet-stream', 'application/x-www-form-urlencoded']) {
        const { json } = await http.post('', { janus: 'ping', transaction: 't' }, { 'content-type': type });
        t.same(json, { janus: 'pong', transaction: 't' }, type);
      }
    });

    t.test('malformed JSON is 454', async (t) => {
      const { http } = await setUp(t, name);

      for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
        t.match(
          await http.post('', '{"janus":', { 'content-type': type }),
          { status: 200, json: { janus: 'error', error: { code: 454, reason: /line 1/ } } },
          type,
        );
        t.match(await http.post('', 'null', { 'content-type': type }), { json: { error: { code: 454 } } }, type);
      }
      t.match(await http.post('', '[1]', { 'content-type': 'application/json' }), { json: { error: { code: 455 } } });
    });

    t.test('statuses and CORS are those of Janus', async (t) => {
      const { http } = await setUp(t, name);

      t.equal((await http.post('/info', {})).status, 400);
      t.equal((await http.get('/1/2/3')).status, 404);
      t.match(await http.get('/5', { method: 'PUT' }), { status: 200, json: { error: { code: 450 } } });
      const preflight = await http.get('', { method: 'OPTIONS', headers: { 'access-control-request-method': 'POST' } });
      t.equal(preflight.status, 200);
      t.equal(preflight.headers.get('access-control-allow-methods'), 'POST');
      await t.rejects(http.post('', ''), 'no body, no answer');
    });

    t.test('a WebSocket shares the server', async (t) => {
      const { gateway, server, url } = await setUp(t, name);
      janusWebSocket(gateway, server, { path: '/janus' });
      const ws = await WsClient.connect(t, `${url}/janus`);

      const ids = await ws.attach(await ws.create());

      t.match(await ws.request('message', { ...ids, body: { request: 'wait', name: 'x' } }), { janus: 'success' });
    });
  });
}

t.test('Express: what is not below our path, and errors that are not of a parser, go on', async (t) => {
  const gateway = testGateway(t);
  const app = express()
    .use((req, _res, next) => next(req.url === '/janus/denied' ? new Error('denied') : undefined))
    .use(janusHttp(gateway))
    .use('/other', (_req, res) => void res.send('other'))
    .use((error: Error, _req: IncomingMessage, res: express.Response, _next: express.NextFunction) => {
      res.status(401).send(error.message);
    });
  const url = await listen(t, createServer(app));

  t.equal(await (await fetch(`${url}/other`)).text(), 'other');
  t.equal((await fetch(`${url}/nowhere`)).status, 404);
  t.equal((await fetch(`${url}/janus/denied`)).status, 401);
});

t.test('Express: malformed JSON elsewhere is the affair of others', async (t) => {
  const gateway = testGateway(t);
  const url = await listen(
    t,
    createServer(
      express()
        .use(express.json())
        .use('/janus', janusHttp(gateway))
        .use('/other', (_req, res) => void res.send('other')),
    ),
  );
  const post = (path: string) =>
    fetch(url + path, { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } });

  t.equal((await post('/other')).status, 400);
  t.equal((await post('/janus')).status, 200);
});

t.test('Express: a body the parser finds too long is told so', async (t) => {
  const gateway = testGateway(t);
  const app = express()
    .use(express.json({ limit: 100 }))
    .use('/janus', janusHttp(gateway));
  const http = new HttpClient(`${await listen(t, createServer(app))}/janus`);
  const type = { 'content-type': 'application/json' };

  t.match(await http.post('', { janus: 'ping', transaction: 'x'.repeat(200) }, type), {
    status: 200,
    json: { error: { code: 450 } },
  });
});

t.test('Express: a parser that leaves nothing behind is named', async (t) => {
  const gateway = testGateway(t);
  const app = express()
    .use((req, _res, next) => {
      req.resume().on('end', () => next());
    })
    .use('/janus', janusHttp(gateway));
  const http = new HttpClient(`${await listen(t, createServer(app))}/janus`);

  t.match((await http.post('', {})).json.error, { code: 454, reason: /mount the API before it/ });
});

t.test('Koa: a parser in front is used; malformed JSON is its own affair', async (t) => {
  const gateway = testGateway(t);
  const app = new Koa().use(koaJson).use(janusKoa(gateway));
  app.silent = true;
  const http = new HttpClient(`${await listen(t, koaServer(app))}/janus`);
  const type = { 'content-type': 'application/json' };

  t.match((await http.post('', { janus: 'ping', transaction: 't' }, type)).json, { janus: 'pong' });
  t.match((await http.post('', { janus: 'ping', transaction: 't' }, { 'content-type': 'text/plain' })).json, {
    janus: 'pong',
  });
  t.match((await http.post('', '{', { 'content-type': 'text/plain' })).json, { error: { code: 454 } });
  t.equal((await http.post('', '{', type)).status, 400);
});

t.test('Koa: what is not ours goes to the next middleware', async (t) => {
  const gateway = testGateway(t);
  const app = new Koa().use(janusKoa(gateway)).use((ctx) => void (ctx.body = 'next'));
  const url = await listen(t, koaServer(app));

  t.equal(await (await fetch(`${url}/other`)).text(), 'next');
});

t.test('Fastify: parsers and routes of the application stay as they are', async (t) => {
  const gateway = testGateway(t);
  const app = fastify();
  app.post('/other', (request) => ({ got: request.body }));
  await app.register(janusFastify(gateway));
  await app.ready();
  const url = await listen(t, app.server);
  const post = (path: string, body: string) =>
    fetch(url + path, { method: 'POST', body, headers: { 'content-type': 'application/json' } });

  t.same(await (await post('/other', '{"a":1}')).json(), { got: { a: 1 } });
  t.equal((await post('/other', '{')).status, 400);
  t.match(await (await post('/janus', '{')).json(), { error: { code: 454 } });
  t.equal((await fetch(`${url}/nowhere`)).status, 404);
  t.equal(LobbyPlugin.package, 'example.plugin.lobby');
});

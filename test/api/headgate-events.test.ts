// Events and figures of the `headgate` command: the sample event handler's file, `query_eventhandler`, `--metrics`.
import t from 'tap';
import { collectEvents, type Told } from '../support/event-collector.mjs';
import { MINIMAL, post, streaming, type Json } from '../support/headgate-api.js';
import { freePorts, HeadgateProcess, makeFolder } from '../support/headgate-process.js';

const ADMIN = 'general: { debug_level = 4 admin_secret = "boss" }\nevents: { broadcast = true stats_period = 2 }';

/** Files of a gateway whose events go to `url`. */
function filesOf(ports: { http: number; admin: number }, url: string, rest = ''): Record<string, string> {
  return {
    'janus.jcfg': ADMIN,
    'janus.transport.http.jcfg': `general: { port = ${String(ports.http)} ip = "127.0.0.1" http = true }
      admin: { admin_http = true admin_port = ${String(ports.admin)} admin_ip = "127.0.0.1" }`,
    'janus.eventhandler.sampleevh.jcfg': `general: { enabled = true backend = "${url}" ${rest} }`,
  };
}

t.test('events are posted as janus.eventhandler.sampleevh.jcfg says', async (t) => {
  const [http = 0, admin = 0] = await freePorts(2);
  const collector = await collectEvents();
  t.teardown(() => collector.close());
  const folder = makeFolder(t, {
    ...filesOf(
      { http, admin },
      collector.url,
      `events = "sessions,handles,plugins,core" grouping = "yes" compress = true
       backend_user = "ada" backend_pwd = "lovelace" max_retransmissions = 3 retransmissions_backoff = 50`,
    ),
    'janus.plugin.streaming.jcfg': 'general: { events = false }',
  });
  const headgate = new HeadgateProcess(t, '-F', folder);
  await headgate.says(/admin HTTP on/);
  const base = `http://127.0.0.1:${String(http)}/janus`;

  const ask = await streaming(base);
  t.match(await ask({ request: 'list' }), { streaming: 'list' });
  const name = (what: string) => (event: Told) => event.event['name'] === what;
  await collector.heard('the session', name('created'));
  await collector.heard('the handle', name('attached'));
  await collector.heard('the start', (event) => event.event['status'] === 'started');
  const [first] = collector.posts;
  t.match(first?.headers, {
    'content-encoding': 'gzip',
    authorization: `Basic ${Buffer.from('ada:lovelace').toString('base64')}`,
  });
  t.match(first?.text, /^\[\n {3}\{\n/, 'indented, as Janus has it');
  const { events, event_handlers } = (await (await fetch(`${base}/info`)).json()) as Json;
  t.same([Object.keys(events), event_handlers], [['janus.eventhandler.sampleevh'], true]);

  await t.test('and what the admin API tweaks', async (t) => {
    const query = async (request: object, handler = 'janus.eventhandler.sampleevh'): Promise<Json> =>
      await post(`http://127.0.0.1:${String(admin)}/admin`, {
        ...{ janus: 'query_eventhandler', admin_secret: 'boss' },
        ...{ handler, request },
      });
    t.match(await query({ request: 'tweak' }, 'janus.eventhandler.none'), { error: { code: 460 } });
    const refused: [object, number, RegExp][] = [
      [{}, 412, /"request"/],
      [{ request: 3 }, 413, /"request"/],
      [{ request: 'frob' }, 411, /frob/],
      [{ request: 'tweak', events: 3 }, 413, /"events" must be a string/],
      [{ request: 'tweak', events: 'sessions,all of it' }, 413, /"events" must be "all"/],
      [{ request: 'tweak', grouping: 'x' }, 413, /"grouping": expected true or false/],
      [{ request: 'tweak', backend: 'ftp://x', grouping: false }, 413, /"backend": expected http/],
      [{ request: 'tweak', max_retransmissions: -1 }, 413, /"max_retransmissions"/],
      [{ request: 'tweak', retransmissions_backoff: -1 }, 413, /"retransmissions_backoff"/],
      [{ request: 'tweak', backend_pwd: 3 }, 413, /"backend_pwd"/],
    ];
    for (const [request, code, error] of refused) {
      t.match(await query(request), { janus: 'success', response: { error_code: code, error } });
    }
    const other = await collectEvents();
    t.teardown(() => other.close());

    const changes = { events: 'external,sessions', backend: other.url, grouping: false, backend_pwd: 'byron' };
    t.match(await query({ request: 'tweak', ...changes }), { response: { result: 200 } });
    const count = collector.events.length;
    await streaming(base);
    await other.heard('a session', name('created'));

    t.equal(collector.events.length, count, 'nothing more goes to the old one');
    t.notOk(Array.isArray(other.posts[0]?.body));
    t.match(other.posts[0]?.headers, { authorization: `Basic ${Buffer.from('ada:byron').toString('base64')}` });
    t.notOk(other.events.some(name('attached')));
    await query({ request: 'tweak', events: 'all' });
    await streaming(base);
    await other.heard('a handle', name('attached'));
  });
});

t.test('`events = false` of a plugin or a transport keeps its events back', async (t) => {
  const [http = 0, admin = 0, media = 0] = await freePorts(3);
  const collector = await collectEvents();
  t.teardown(() => collector.close());
  const files = filesOf({ http, admin }, collector.url);
  const create = {
    request: 'create',
    type: 'rtp',
    id: 5,
    video: true,
    videoport: media,
    videopt: 100,
    videocodec: 'vp8',
  };
  const folder = makeFolder(t, {
    ...files,
    'janus.transport.http.jcfg':
      files['janus.transport.http.jcfg']?.replace('general: {', 'general: { events = false ') ?? '',
  });
  const headgate = new HeadgateProcess(t, '-F', folder);
  await headgate.says(/admin HTTP on/);

  await (
    await streaming(`http://127.0.0.1:${String(http)}/janus`)
  )(create);
  await collector.heard(
    'the mountpoint',
    ({ event }) => event['plugin'] === 'janus.plugin.streaming' && 'data' in event,
  );

  t.notOk(
    collector.events.some(({ type }) => type === 128),
    'of transports there is nothing',
  );
});

t.test('--metrics serves Prometheus, on loopback unless an address is given', async (t) => {
  const [port = 0, admin = 0, metrics = 0, taken = 0] = await freePorts(4);
  const collector = await collectEvents();
  t.teardown(() => collector.close());
  const folder = makeFolder(t, filesOf({ http: port, admin }, collector.url));
  const headgate = new HeadgateProcess(t, '-F', folder, '--metrics', String(metrics));
  await headgate.says(new RegExp(`metrics on http://127\\.0\\.0\\.1:${String(metrics)}/metrics`));
  await streaming(`http://127.0.0.1:${String(port)}/janus`);
  await collector.heard('a handle', ({ event }) => event['name'] === 'attached');
  const base = `http://127.0.0.1:${String(metrics)}`;

  const answer = await fetch(`${base}/metrics`);

  t.equal(answer.status, 200);
  t.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  const text = await answer.text();
  t.match(text, /^headgate_sessions 1$/m);
  t.match(text, /^headgate_webhook_delivered_events_total\{webhook="0"\} [1-9]/m);
  t.match(text, /^headgate_mailbox_dropped_events_total 0$/m);
  t.equal((await fetch(base)).status, 404);
  t.equal((await fetch(`${base}/metrics`, { method: 'POST' })).status, 405);

  await t.test('an address or a port that does not do is an error', async (t) => {
    for (const wrong of ['x', '0', '70000', 'localhost:9100', '::1:9100', '[127.0.0.1]:9100']) {
      const one = new HeadgateProcess(t, '-F', folder, '--metrics', wrong);
      t.equal(await one.ended, 2, wrong);
      t.match(one.stderr, /--metrics .*: it must be a port, or an address and a port/);
    }
    const second = makeFolder(t, MINIMAL(taken));
    const one = new HeadgateProcess(t, '-F', second, '--metrics', `127.0.0.1:${String(metrics)}`);
    t.equal(await one.ended, 1);
    t.match(one.stderr, /metrics cannot listen on http:\/\/127\.0\.0\.1:\d+\/metrics: .*EADDRINUSE.* \(--metrics\)/);
  });
});

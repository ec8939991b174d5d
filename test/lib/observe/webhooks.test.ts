import { createServer, type IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { EventBus } from '../../../lib/session/event-bus.js';
import { eventWebhook, type EventWebhookOptions } from '../../../lib/observe/webhooks.js';
import { until } from '../../support/browser.js';
import { listen, recordingLogger } from '../../support/test-app.js';

/** Events without a gateway. */
class Source {
  readonly events = new EventBus('test', () => undefined);
  readonly logger = recordingLogger();
  readonly tasks = new Set<() => Promise<void>>();

  onClosing(task: () => Promise<void>): () => void {
    this.tasks.add(task);
    return () => this.tasks.delete(task);
  }

  tell(...names: number[]): void {
    for (const name of names) this.events.tell('external', {}, { schema: 'test', data: { name } });
  }
}

interface Post {
  headers: IncomingMessage['headers'];
  text: string;
  body: unknown;
}

/** A server that answers each post with the next status, the last one for ever; 0: not at all. */
async function backend(t: Test, ...statuses: number[]): Promise<{ url: string; posts: Post[] }> {
  const posts: Post[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const sent = Buffer.concat(parts);
      const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent).toString();
      posts.push({ headers: request.headers, text, body: JSON.parse(text) });
      const status = (statuses.length > 1 ? statuses.shift() : statuses[0]) ?? 200;
      if (status > 0) response.writeHead(status).end();
    });
  });
  return { url: `http://127.0.0.1:${String(await listen(t, server))}/events`, posts };
}

const namesOf = ({ body }: Post): unknown[] =>
  [body].flat().map((event) => (event as { event: { data: { name: number } } }).event.data.name);

function open(t: Test, options: EventWebhookOptions) {
  const source = new Source();
  const webhook = eventWebhook(source, { batchDelay: 5, backoff: 1, ...options });
  t.teardown(() => webhook.close());
  return { source, webhook };
}

t.test('events go in order and together, and each once', async (t) => {
  const { url, posts } = await backend(t);
  const { source, webhook } = open(t, {
    url,
    maxBatch: 3,
    headers: { 'X-Site': 'one' },
    auth: { user: 'ada', password: 'pä:ss' },
  });

  source.tell(1, 2, 3, 4);
  await until('events', () => webhook.stats().delivered === 4);

  t.same(posts.map(namesOf), [[1, 2, 3], [4]]);
  const [first] = posts;
  t.match(first?.headers, { 'content-type': 'application/json', 'x-site': 'one' });
  const credentials = first?.headers.authorization?.replace('Basic ', '') ?? '';
  t.equal(Buffer.from(credentials, 'base64').toString(), 'ada:pä:ss');
});

t.test('ungrouped, each event is a post and no array', async (t) => {
  const { url, posts } = await backend(t);
  const { source, webhook } = open(t, { url, grouping: false });

  source.tell(1, 2);
  await until('events', () => webhook.stats().delivered === 2);

  t.match(
    posts.map(({ body }) => body),
    [{ type: 4 }, { type: 4 }],
  );
});

t.test('only the kinds that were asked for', async (t) => {
  const { url, posts } = await backend(t);
  const { source, webhook } = open(t, { url, kinds: ['session', 'core'] });

  t.notOk(source.events.wants('external'), 'the others are not even made');
  source.tell(1);
  source.events.tell('core', {}, { status: 'shutdown' });
  await until('an event', () => webhook.stats().delivered === 1);

  t.match(posts[0]?.body, [{ type: 256 }]);
});

t.test('posts are written and compressed as it was asked for, and the filter leaves events out', async (t) => {
  const { url, posts } = await backend(t);
  const filter: EventWebhookOptions['filter'] = ({ event }) => !JSON.stringify(event).includes('2');
  const { source, webhook } = open(t, {
    url,
    compression: 9,
    serialize: (value) => JSON.stringify(value, null, 3),
    filter,
  });

  source.tell(1, 2, 3);
  await until('events', () => webhook.stats().delivered === 2);

  t.same(posts.map(namesOf), [[1, 3]]);
  t.match(posts[0]?.headers, { 'content-encoding': 'gzip', 'content-type': 'application/json' });
  t.match(posts[0]?.text, /^\[\n   \{\n {6}"emitter"/);
});

t.test('a "serialize" that throws costs its events, and nothing else', async (t) => {
  const { url, posts } = await backend(t);
  let calls = 0;
  const serialize = (value: object): string => {
    calls += 1;
    if (calls === 1) throw new Error('no');
    return JSON.stringify(value);
  };
  const { source, webhook } = open(t, { url, maxBatch: 1, serialize });

  source.tell(1, 2);
  await until('the second', () => webhook.stats().delivered === 1);

  t.same(posts.map(namesOf), [[2]]);
  t.match(webhook.stats(), { failed: 1, retries: 0 });
});

t.test('what is changed holds from the next post on; a mistake changes nothing', async (t) => {
  const [first, second] = [await backend(t), await backend(t)];
  const { source, webhook } = open(t, { url: first.url, auth: { user: 'ada', password: 'a' } });
  source.tell(1);
  await until('the first', () => webhook.stats().delivered === 1);

  t.throws(() => webhook.change({ kinds: ['core'], url: 'nowhere' }), { code: 'HG_ERR_OPTION' });
  source.tell(2);
  await until('the second', () => webhook.stats().delivered === 2);
  webhook.change({ url: second.url, kinds: ['core'], grouping: false });
  t.notOk(source.events.wants('external'));
  source.tell(3);
  source.events.tell('core', {}, { status: 'shutdown' });
  await until('the third', () => webhook.stats().delivered === 3);

  t.same(first.posts.map(namesOf), [[1], [2]]);
  t.match(second.posts, [{ body: { type: 256 } }]);
  t.equal(second.posts[0]?.headers.authorization, first.posts[0]?.headers.authorization, 'the rest stays');
  await webhook.close();
  t.throws(() => webhook.change({ grouping: true }), { code: 'HG_ERR_CLOSED' });
});

t.test('a post that fails is tried again, and nothing overtakes it', async (t) => {
  const { url, posts } = await backend(t, 500, 429, 200);
  const { source, webhook } = open(t, { url, maxBatch: 1 });

  source.tell(1, 2);
  await until('events', () => webhook.stats().delivered === 2);

  t.same(posts.map(namesOf), [[1], [1], [1], [2]]);
  t.match(webhook.stats(), { retries: 2, failed: 0, waiting: 0 });
});

t.test('what fails too often, or is refused, is given up and said', async (t) => {
  const { url, posts } = await backend(t, 503, 503, 503, 400, 200);
  const { source, webhook } = open(t, { url, maxBatch: 1, retries: 2 });
  const failures: unknown[] = [];
  webhook.on('failed', (failure) => failures.push(failure));

  source.tell(1, 2, 3);
  await until('the last one', () => webhook.stats().delivered === 1);

  t.same(posts.map(namesOf), [[1], [1], [1], [2], [3]]);
  t.same(failures, [
    { events: 1, reason: 'status 503' },
    { events: 1, reason: 'status 400' },
  ]);
  t.equal(webhook.stats().failed, 2);
  t.equal(source.logger.lines.filter((line) => line.includes('did not reach')).length, 2);
});

t.test('a server that does not answer costs the oldest events, never memory', async (t) => {
  const { url, posts } = await backend(t, 0);
  const { source, webhook } = open(t, { url, maxQueue: 4, maxBatch: 2, closeTimeout: 50 });

  source.tell(1, 2);
  await until('the first post', () => posts.length === 1);
  source.tell(3, 4, 5, 6, 7);

  t.match(webhook.stats(), { waiting: 4, dropped: 3, delivered: 0 });
  t.equal(source.logger.lines.filter((line) => line.includes('dropped')).length, 1, 'said once');
  await webhook.close();
  t.match(webhook.stats(), { waiting: 0, dropped: 3, failed: 4 }, 'nor does it hold up the end');
});

t.test('at the end what waits is tried once, without waiting for more', async (t) => {
  const { url, posts } = await backend(t);
  const { source, webhook } = open(t, { url, batchDelay: 60_000 });

  source.tell(1, 2);
  const [task] = source.tasks;
  await task?.();

  t.same(posts.map(namesOf), [[1, 2]]);
  t.ok(webhook.closed);
  t.equal(source.events.wants('external'), false);
  t.equal(source.tasks.size, 0);
  source.tell(3);
  t.match(webhook.stats(), { delivered: 2, waiting: 0 });
});

t.test('at the end there is one try, also in the middle of a pause between two', async (t) => {
  const { url, posts } = await backend(t, 500);
  const { source, webhook } = open(t, { url, backoff: 60_000 });

  source.tell(1);
  await until('a try', () => webhook.stats().retries === 1);
  await webhook.close();

  t.equal(posts.length, 2);
  t.match(webhook.stats(), { failed: 1, waiting: 0 });
});

t.test('options that cannot be are refused', async (t) => {
  const refused = (options: object, pattern: RegExp): void => {
    t.throws(() => eventWebhook(new Source(), options as EventWebhookOptions), {
      code: 'HG_ERR_OPTION',
      message: pattern,
    });
  };
  refused({}, /eventWebhook.url/);
  refused({ url: 'events' }, /eventWebhook.url: expected an absolute URL/);
  refused({ url: 'ftp://x/' }, /expected http: or https:/);
  refused({ url: 'http://a:b@x/' }, /belong in "auth"/);
  refused({ url: 'http://x/', kinds: ['sessions'] }, /kinds\[0\]/);
  refused({ url: 'http://x/', headers: { 'a b': 'c' } }, /eventWebhook.headers/);
});

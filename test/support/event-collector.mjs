// The backend of an event handler: takes what is posted to it and keeps it.
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';

/** Listens on any port of `address`. */
export async function collectEvents(address = '127.0.0.1') {
  const events = [];
  const posts = [];
  const waiting = new Set();
  const server = createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const sent = Buffer.concat(parts);
      const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent).toString();
      const body = JSON.parse(text);
      posts.push({ headers: request.headers, text, body });
      for (const event of [body].flat()) {
        events.push(event);
        for (const one of waiting) one(event);
      }
      response.end();
    });
  });
  await new Promise((resolve) => server.listen(0, address, resolve));
  return {
    events,
    posts,
    url: `http://${address}:${server.address().port}/events`,
    /** Waits for the next event of that kind, which may have come already. */
    heard(what, matches, seconds = 30) {
      return new Promise((resolve, reject) => {
        const done = (event) => {
          if (!matches(event)) return;
          clearTimeout(timer);
          waiting.delete(done);
          resolve(event);
        };
        const timer = setTimeout(() => {
          waiting.delete(done);
          reject(new Error(`not within ${seconds} s: ${what}`));
        }, seconds * 1000);
        waiting.add(done);
        for (const event of [...events]) done(event);
      });
    },
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

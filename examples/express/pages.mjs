// The demo's pages, as a router for any Express app.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import express from 'express';

const require = createRequire(import.meta.url);
const janusJs = require.resolve('janus-gateway'); // the client library as its authors publish it
const adapter = createRequire(janusJs).resolve('webrtc-adapter/out/adapter.js');

/** Only what comes from this server; no script, style or picture from elsewhere. */
const POLICY = "default-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; object-src 'none'";

/** @param {{ recordings: boolean }} settings - what the pages may offer; `recordings`: the echo test can record */
export function demoPages(settings) {
  const router = express.Router();
  router.use((request, response, next) => {
    response.set({ 'Content-Security-Policy': POLICY, 'X-Content-Type-Options': 'nosniff' });
    next();
  });
  router.get('/settings.json', (request, response) => response.json(settings));
  router.get('/lib/janus.js', (request, response) => response.sendFile(janusJs));
  router.get('/lib/adapter.js', (request, response) => response.sendFile(adapter));
  router.use(express.static(fileURLToPath(new URL('./public', import.meta.url))));
  return router;
}

// The Janus API in an Express app, over HTTP and WebSocket; server.mjs is the
// demo with a page.
//   node examples/express/minimal.mjs
import express from 'express';
import { janusHttp, janusWebSocket } from 'headgate';
import { openCamera } from '../camera.mjs';

const gateway = await openCamera();
const app = express();
app.use('/janus', janusHttp(gateway));
app.get('/', (_request, response) => response.send('your own pages'));
const server = app.listen(process.env.PORT ?? 8088, () =>
  console.log(`http://localhost:${server.address().port}/janus`),
);
janusWebSocket(gateway, server, { path: '/janus' });

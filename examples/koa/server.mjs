// The Janus API in a Koa app, over HTTP and WebSocket.
//   node examples/koa/server.mjs
import Koa from 'koa';
import { janusKoa, janusWebSocket } from 'headgate';
import { openCamera } from '../camera.mjs';

const gateway = await openCamera();
const app = new Koa();
app.use(janusKoa(gateway));
app.use((ctx) => {
  ctx.body = 'your own pages';
});
const server = app.listen(process.env.PORT ?? 8088, () =>
  console.log(`http://localhost:${server.address().port}/janus`),
);
janusWebSocket(gateway, server, { path: '/janus' });

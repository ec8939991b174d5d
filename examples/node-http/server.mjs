// The Janus API on a plain node:http server, over HTTP and WebSocket.
//   node examples/node-http/server.mjs
import { createServer } from 'node:http';
import { janusHttp, janusWebSocket } from 'headgate';
import { openCamera } from '../camera.mjs';

const gateway = await openCamera();
const server = createServer(janusHttp(gateway));
janusWebSocket(gateway, server, { path: '/janus' });
server.listen(process.env.PORT ?? 8088, () => console.log(`http://localhost:${server.address().port}/janus`));

// The Janus API in a Fastify app, over HTTP and WebSocket.
//   node examples/fastify/server.mjs
import Fastify from 'fastify';
import { janusFastify, janusWebSocket } from 'headgate';
import { openCamera } from '../camera.mjs';

const gateway = await openCamera();
const fastify = Fastify();
await fastify.register(janusFastify(gateway));
fastify.get('/', () => 'your own pages');
janusWebSocket(gateway, fastify.server, { path: '/janus' });
await fastify.listen({ port: Number(process.env.PORT ?? 8088), host: '0.0.0.0' });
console.log(`http://localhost:${fastify.server.address().port}/janus`);

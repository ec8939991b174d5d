// HTTPS and wss of the `headgate` command, and certificates that are renewed while it runs.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import t from 'tap';
import { WebSocket } from 'ws';
import { selfSigned } from '../support/certificate.js';
import { freePorts, HeadgateProcess, makeFolder } from '../support/headgate-process.js';

/** What a server shows. */
async function shownBy(port: number): Promise<string> {
  const socket: TLSSocket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  try {
    return await new Promise((resolve, reject) => {
      socket.once('secureConnect', () => resolve(socket.getPeerCertificate().fingerprint256));
      socket.once('error', reject);
    });
  } finally {
    socket.destroy();
  }
}

t.test('SIGHUP reads renewed certificates; connections go on, and a bad file changes nothing', async (t) => {
  const [https = 0, wss = 0] = await freePorts(2);
  const [used, renewed, other] = [selfSigned(t), selfSigned(t), selfSigned(t)];
  const [cert, key] = [join(used.folder, 'fullchain.pem'), join(used.folder, 'privkey.pem')];
  const certificates = `certificates: { cert_pem = "${cert}" cert_key = "${key}" }`;
  const folder = makeFolder(t, {
    'janus.jcfg': 'general: { debug_level = 4 }',
    'janus.transport.http.jcfg': `general: { https = true secure_port = ${String(https)} }\n${certificates}`,
    'janus.transport.websockets.jcfg': `general: { ws = false wss = true wss_port = ${String(wss)} }\n${certificates}`,
  });
  const headgate = new HeadgateProcess(t, '-F', folder);
  await headgate.says(/secure WebSocket on wss:/);
  const before = await shownBy(https);
  t.equal(await shownBy(wss), before);
  const socket = new WebSocket(`wss://127.0.0.1:${String(wss)}`, 'janus-protocol', { rejectUnauthorized: false });
  await new Promise((resolve) => socket.once('open', resolve));
  t.teardown(() => socket.terminate());
  const ping = async (): Promise<unknown> => {
    const answer = new Promise((resolve) =>
      socket.once('message', (data: Buffer) => resolve(JSON.parse(data.toString()))),
    );
    socket.send('{"janus":"ping","transaction":"1"}');
    return answer;
  };

  for (const name of ['fullchain.pem', 'privkey.pem'])
    copyFileSync(join(renewed.folder, name), join(used.folder, name));
  t.equal(await shownBy(https), before, 'not before it is told');
  headgate.kill('SIGHUP');
  await headgate.says(/\[INFO\] secure WebSocket: the certificate was read again/);

  const after = await shownBy(https);
  t.not(after, before);
  t.equal(await shownBy(wss), after);
  t.match(await ping(), { janus: 'pong' }, 'who was there is still there');

  const bad: [string, RegExp][] = [
    [readFileSync(join(other.folder, 'privkey.pem'), 'utf8'), /stays as it was: .* is not the key of/],
    ['nonsense', /stays as it was: .* holds no private key in PEM form/],
  ];
  for (const [text, said] of bad) {
    writeFileSync(key, text);
    headgate.kill('SIGHUP');
    await headgate.says(new RegExp(`\\[ERR\\] HTTPS: the certificate ${said.source}`));
    await headgate.says(new RegExp(`\\[ERR\\] secure WebSocket: the certificate ${said.source}`));
    t.equal(await shownBy(https), after);
    t.equal(await shownBy(wss), after);
  }
  t.match(await ping(), { janus: 'pong' });
});

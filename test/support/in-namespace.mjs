#!/usr/bin/env node
// Runs a command in a network namespace of its own, with loopback and one more
// address (Firefox needs one that is not loopback): nothing leaves it, ports
// never collide, and packet loss hits nobody else. Needs root.
//
//   node test/support/in-namespace.mjs node test/browser/…
//
// The command finds the address in HEADGATE_TEST_ADDRESS. Its exit code is ours.
import { execFileSync, spawn } from 'node:child_process';

const name = `headgate-${process.pid}`;
const address = '10.99.0.1';

function ip(...args) {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  console.error('usage: in-namespace.mjs command [argument …]');
  process.exit(2);
}

ip('netns', 'add', name);
process.on('exit', () => {
  try {
    ip('netns', 'delete', name);
  } catch (error) {
    console.error(`the namespace ${name} could not be deleted: ${error.message}`);
  }
});
for (const line of [
  'link set lo up',
  'link add v0 type veth peer name v1',
  `addr add ${address}/24 dev v0`,
  'link set v0 up',
  'link set v1 up',
  'route add default via 10.99.0.254',
]) {
  ip('-n', name, ...line.split(' '));
}

const child = spawn('ip', ['netns', 'exec', name, command, ...args], {
  stdio: 'inherit',
  env: { ...process.env, HEADGATE_TEST_ADDRESS: address },
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  console.error(`${command}: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));

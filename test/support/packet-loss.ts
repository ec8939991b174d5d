import { execFileSync } from 'node:child_process';
import type { Test } from 'tap';

/** Whether rules of nftables can be set: root, and nft is installed. */
export function canLosePackets(): boolean {
  try {
    execFileSync('nft', ['list', 'tables'], { stdio: 'ignore' });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

/**
 * Drops a share of the datagrams from and to a range of UDP ports, on arrival
 * (dropped on sending, the sender would be told). Ends with the test.
 *
 * @returns how many were dropped so far
 */
export function losePackets(t: Test, [low, high]: readonly [number, number], percent: number): () => number {
  const table = `headgate_${String(process.pid)}_${String(low)}`;
  // 100 is none of its numbers.
  const chance = percent >= 100 ? '' : `numgen random mod 100 < ${String(percent)}`;
  const rule = (end: 'sport' | 'dport'): string => `udp ${end} ${String(low)}-${String(high)} ${chance} counter drop`;
  execFileSync('nft', ['-f', '-'], {
    input:
      `table inet ${table} {\nchain c {\ntype filter hook input priority 0; policy accept;\n` +
      `${rule('sport')}\n${rule('dport')}\n}\n}\n`,
  });
  t.teardown(() => execFileSync('nft', ['delete', 'table', 'inet', table]));
  return () => {
    const listed = execFileSync('nft', ['list', 'table', 'inet', table]).toString();
    return [...listed.matchAll(/counter packets (\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  };
}

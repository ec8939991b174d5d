import { performance } from 'node:perf_hooks';

/** What `performance.now()` counts from, on the monotonic clock of the machine, in microseconds. */
const START = Number(process.hrtime.bigint() / 1000n) - performance.now() * 1000;

/** A time of `performance.now()` on the clock that media threads use, too, in microseconds. */
export function monotonicMicroseconds(now = performance.now()): number {
  return Math.round(START + now * 1000);
}

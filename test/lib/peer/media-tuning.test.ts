import t from 'tap';
import { EngineTuning } from '../../../lib/peer/media-tuning.js';
import { StubEngine } from '../../support/native-stub.js';

t.test('a change reaches the engine with all that stays as it was', (t) => {
  const engine = new StubEngine(() => undefined);
  const tuning = new EngineTuning(engine, {
    maxNackQueue: 1000,
    noMediaTimeout: 2000,
    slowLinkThreshold: 3,
    iceDebug: false,
  });

  tuning.maxNackQueue = 100;
  tuning.slowLinkThreshold = 9;
  tuning.noMediaTimeout = 0;

  t.same(engine.tuned, [
    { maxNackQueue: 100, noMediaTimeout: 2000, slowLinkThreshold: 3 },
    { maxNackQueue: 100, noMediaTimeout: 2000, slowLinkThreshold: 9 },
    { maxNackQueue: 100, noMediaTimeout: 0, slowLinkThreshold: 9 },
  ]);
  t.match(tuning, { maxNackQueue: 100, noMediaTimeout: 0, slowLinkThreshold: 9 });
  t.end();
});

t.test('ICE is debugged from the start, or from when it is asked for', (t) => {
  for (const iceDebug of [true, false]) {
    const engine = new StubEngine(() => undefined);
    const tuning = new EngineTuning(engine, { maxNackQueue: 0, noMediaTimeout: 0, slowLinkThreshold: 0, iceDebug });

    t.equal(engine.iceDebug, iceDebug);
    tuning.iceDebug = !iceDebug;

    t.equal(engine.iceDebug, !iceDebug);
    t.equal(tuning.iceDebug, !iceDebug);
  }
  t.end();
});

// The same requests, good and bad, to Debian's Janus and to headgate: shapes,
// codes and order must be the same, but for what `known.ts` lists with its reason.
import t from 'tap';
import { fixture } from '../../support/fixtures.js';
import { freePort } from '../../support/free-port.js';
import { testApp } from '../../support/test-app.js';
import { differences } from './compare.js';
import { coreScenarios } from './core.js';
import { echotestScenarios } from './echotest.js';
import { httpScenarios } from './http.js';
import { hasJanus, janusServer } from './janus-server.js';
import { KNOWN, type KnownDifference } from './known.js';
import { play, type Scenario, type Step } from './play.js';
import { MOUNTPOINTS, STREAMING_CONFIG, streamingScenarios } from './streaming.js';

const FEWEST_REQUESTS = 150;
const scenarios: readonly Scenario[] = [
  ...coreScenarios,
  ...httpScenarios,
  ...echotestScenarios,
  ...streamingScenarios,
];

const asked = (step: Step): string =>
  'ask' in step
    ? typeof step.ask === 'string'
      ? step.ask
      : JSON.stringify(step.ask)
    : `${step.http} ${step.path} ${typeof step.body === 'string' ? step.body : JSON.stringify(step.body ?? '')}`;

t.test('headgate answers as Janus does', { skip: hasJanus ? false : 'janus is not installed' }, async (t) => {
  const janus = await janusServer(t, '', STREAMING_CONFIG);
  const app = await testApp(t, { streaming: { adminKey: 'key' } });
  for (const mountpoint of MOUNTPOINTS)
    await app.gateway.createMountpoint({ ...mountpoint, media: [...mountpoint.media] });
  const given = { offer: fixture('sdp/publish-av-data.chromium.offer.sdp') };
  const used = new Set<KnownDifference>();
  let requests = 0;

  for (const scenario of scenarios) {
    const [theirs, ours] = await Promise.all([
      play(janus, scenario, { ...given, audioport: await freePort(), videoport: await freePort() }),
      play(app, scenario, { ...given, audioport: await freePort(), videoport: await freePort() }),
    ]);

    const found: string[] = [];
    scenario.steps.forEach((step, index) => {
      requests += 1;
      for (const difference of differences(theirs[index], ours[index])) {
        const known = KNOWN.find(({ request, difference: what }) => request.test(asked(step)) && what.test(difference));
        if (known !== undefined) used.add(known);
        else found.push(`${asked(step).slice(0, 300)} → ${difference}`);
      }
    });
    t.same(found, [], scenario.name);
  }

  t.ok(requests >= FEWEST_REQUESTS, `${String(requests)} requests`);
  for (const known of KNOWN) t.ok(used.has(known), `still differs: ${known.reason}`);
});

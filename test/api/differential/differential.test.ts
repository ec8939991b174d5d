// The same requests, good and bad, to Debian's Janus and to headgate: shapes,
// codes and order must be the same, but for what `known.ts` lists with its reason.
import { createServer } from 'node:http';
import t, { type Test } from 'tap';
import { janusAdminHttp, LeveledLogger, type GatewayOptions } from '../../../lib/index.js';
import { fixture } from '../../support/fixtures.js';
import { freePort } from '../../support/free-port.js';
import { listen, testApp } from '../../support/test-app.js';
import { adminScenarios } from './admin.js';
import { signedTokenScenarios, storedTokenScenarios, TOKEN_SECRET, VALID_TOKEN } from './auth.js';
import { differences } from './compare.js';
import { coreScenarios } from './core-scenarios.js';
import { echotestScenarios } from './echotest.js';
import { httpScenarios } from './http.js';
import { hasJanus, janusServer, type Server } from './janus-server.js';
import { KNOWN, type KnownDifference } from './known.js';
import { play, type Scenario, type Step } from './play.js';
import { MOUNTPOINTS, STREAMING_CONFIG, streamingScenarios } from './streaming.js';

const FEWEST_REQUESTS = 150;

const asked = (step: Step): string =>
  'ask' in step
    ? typeof step.ask === 'string'
      ? step.ask
      : JSON.stringify(step.ask)
    : `${step.http} ${step.path} ${typeof step.body === 'string' ? step.body : JSON.stringify(step.body ?? '')}`;

const used = new Set<KnownDifference>();
let requests = 0;

/** Both, set up alike. */
async function servers(t: Test, general: string, options: GatewayOptions): Promise<{ janus: Server; ours: Server }> {
  const janus = await janusServer(t, `admin_secret = "admin" ${general}`, STREAMING_CONFIG);
  const logger = new LeveledLogger({ timestamps: false, console: () => undefined });
  const app = await testApp(t, { streaming: { adminKey: 'key' }, adminSecret: 'admin', logger, ...options });
  for (const mountpoint of MOUNTPOINTS)
    await app.gateway.createMountpoint({ ...mountpoint, media: [...mountpoint.media] });
  const port = await listen(t, createServer(janusAdminHttp(app.gateway)));
  return { janus, ours: { http: app.http, ws: app.ws, admin: `http://127.0.0.1:${String(port)}/admin` } };
}

async function compare(
  t: Test,
  { janus, ours }: { janus: Server; ours: Server },
  scenarios: readonly Scenario[],
): Promise<void> {
  const given = async (): Promise<Record<string, unknown>> => ({
    offer: fixture('sdp/publish-av-data.chromium.offer.sdp'),
    valid: VALID_TOKEN,
    audioport: await freePort(),
    videoport: await freePort(),
  });
  for (const scenario of scenarios) {
    const [theirs, of] = await Promise.all([play(janus, scenario, await given()), play(ours, scenario, await given())]);

    const found: string[] = [];
    scenario.steps.forEach((step, index) => {
      requests += 1;
      for (const difference of differences(theirs[index], of[index])) {
        const known = KNOWN.find(({ request, difference: what }) => request.test(asked(step)) && what.test(difference));
        if (known !== undefined) used.add(known);
        else found.push(`${asked(step).slice(0, 300)} → ${difference}`);
      }
    });
    t.same(found, [], scenario.name);
  }
}

t.test('headgate answers as Janus does', { skip: hasJanus ? false : 'janus is not installed' }, async (t) => {
  await t.test('without secrets', async (t) => {
    const both = await servers(t, '', {});
    await compare(t, both, [...coreScenarios, ...httpScenarios, ...echotestScenarios, ...streamingScenarios]);
    await compare(t, both, adminScenarios);
  });

  await t.test('with an API secret and stored tokens', async (t) => {
    const both = await servers(t, 'api_secret = "secret" token_auth = true', { apiSecret: 'secret', tokenAuth: true });
    await compare(t, both, storedTokenScenarios);
  });

  await t.test('with signed tokens', async (t) => {
    const general = `token_auth = true token_auth_secret = "${TOKEN_SECRET}"`;
    await compare(t, await servers(t, general, { tokenAuthSecret: TOKEN_SECRET }), signedTokenScenarios);
  });

  t.ok(requests >= FEWEST_REQUESTS, `${String(requests)} requests`);
  for (const known of KNOWN) t.ok(used.has(known), `still differs: ${known.reason}`);
});

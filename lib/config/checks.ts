/** What takes more than one setting, or a look at this machine, to judge. */
import { ACL_OPTIONS } from '../signalling/acl.js';
import { UsageError } from '../errors.js';
import { checkCertificate } from './certificate.js';
import { checkMachine } from './machine.js';
import { serversOf } from './listeners.js';
import type { Settings, Severity, TlsSettings } from './settings.js';
import type { Place } from './tree.js';

/** Settings that were read, and who is told what is wrong with them. */
export interface Checked {
  readonly settings: Settings;
  report(severity: Severity, at: Place, text: string): void;
  /** Of a path in the settings. */
  placeOf(path: string): Place | undefined;
}

/** Checks all of it. */
export function checkSettings(checked: Checked): void {
  checkCertificates(checked);
  checkAdmin(checked);
  checkAcls(checked);
  checkCors(checked);
  checkEvents(checked);
  checkMachine(checked);
}

function checkCertificates({ settings, report, placeOf }: Checked): void {
  const check = (path: string, tls: TlsSettings, switchedOn: Place | undefined, isServer: boolean): void => {
    const anywhere = ['cert', 'key', 'password']
      .map((name) => placeOf(`${path}.${name}`))
      .find((at) => at !== undefined);
    for (const { severity, name, text } of checkCertificate(tls)) {
      const at = placeOf(`${path}.${name}`) ?? anywhere ?? switchedOn;
      // Browsers know the certificate of DTLS by its fingerprint, and do not look at its dates.
      if (at !== undefined && (isServer || severity === 'error')) report(severity, at, text);
    }
  };
  const dtls = settings.gateway?.media?.certificate;
  if (dtls !== undefined) check('gateway.media.certificate', dtls, undefined, false);
  const seen = new Set<TlsSettings>();
  for (const { group, path, tls } of serversOf(settings)) {
    if (tls === undefined || seen.has(tls)) continue;
    seen.add(tls);
    const home = group === 'http' || group === 'adminHttp' ? 'http.tls' : 'webSocket.tls';
    check(home, tls, placeOf(`${path}.enabled`), true);
  }
}

/** The admin API answers nobody who does not know its secret. */
function checkAdmin({ settings, report, placeOf }: Checked): void {
  if (settings.gateway?.adminSecret !== undefined) return;
  const servers = serversOf(settings).filter(({ group }) => group === 'adminHttp' || group === 'adminWebSocket');
  const paths = servers.map(({ path }) => path);
  if (settings.adminUnix?.enabled === true) paths.push('adminUnix');
  for (const path of paths) {
    const at = placeOf(`${path}.enabled`);
    if (at === undefined) continue;
    report('error', at, 'the admin API needs a secret: set "admin_secret" in "general" of janus.jcfg');
  }
}

function checkAcls({ settings, report, placeOf }: Checked): void {
  for (const group of ['http', 'adminHttp', 'webSocket', 'adminWebSocket'] as const) {
    const at = placeOf(`${group}.acl`);
    if (at === undefined) continue;
    for (const entry of settings[group]?.acl ?? []) {
      try {
        ACL_OPTIONS.acl.read(group, [entry]);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        const text = `${JSON.stringify(entry)} is no address, and no beginning of one: write "127.0.0.1" or "192.168."`;
        report('error', at, text);
      }
    }
  }
}

function checkCors({ settings, report, placeOf }: Checked): void {
  for (const group of ['http', 'webSocket'] as const) {
    const { allowOrigin, enforceCors } = settings[group] ?? {};
    const at = placeOf(`${group}.enforceCors`);
    if (enforceCors !== true || allowOrigin !== undefined || at === undefined) continue;
    report('no use', at, '"enforce_cors" has no effect without "allow_origin": add that');
  }
}

function checkEvents({ settings, report, placeOf }: Checked): void {
  const { webhook, events } = settings;
  const at = placeOf('webhook.enabled');
  if (webhook?.enabled !== true || at === undefined) return;
  if (events?.broadcast !== true) {
    report('no use', at, 'no events are sent without "broadcast = true" in "events" of janus.jcfg: add that');
  } else if (webhook.url === undefined) {
    report('error', at, '"backend" is missing: it says where events are posted to');
  }
}

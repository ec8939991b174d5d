/** Certificates and keys of TLS servers and of DTLS, as files. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Severity, TlsSettings } from './settings.js';

/** What is wrong with one. */
export interface CertificateProblem {
  readonly severity: Severity & ('error' | 'warning');
  /** The setting to look at. */
  readonly name: keyof TlsSettings;
  readonly text: string;
}

/** Says all that is wrong with the files, errors first. */
export function checkCertificate(tls: TlsSettings, now = Date.now()): CertificateProblem[] {
  const { cert, key } = tls;
  if (cert === undefined || key === undefined) {
    const [name, word] = cert === undefined ? (['cert', 'cert_pem'] as const) : (['key', 'cert_key'] as const);
    const text = `"${word}" is missing: certificate and key are two files, named by cert_pem and cert_key`;
    return [{ severity: 'error', name, text }];
  }
  const problems: CertificateProblem[] = [];
  const attempt = <T>(name: keyof TlsSettings, read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (error instanceof Unusable)
        problems.push({ severity: 'error', name: error.setting ?? name, text: error.message });
      else throw error;
    }
    return undefined;
  };
  const certificate = attempt('cert', () => readX509(cert));
  const privateKey = attempt('key', () => readKey(key, tls.password));
  if (certificate === undefined || privateKey === undefined) return problems;
  if (!certificate.checkPrivateKey(privateKey)) {
    const text = `${key} is not the key of ${cert}: name the two that were made together`;
    return [{ severity: 'error', name: 'key', text }];
  }
  attempt('cert', () => makeContext(tls, cert));
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  if (to < now) {
    const text = `${cert} expired on ${day(to)}: renew it, browsers refuse it`;
    problems.push({ severity: 'warning', name: 'cert', text });
  } else if (from > now) {
    const text = `${cert} is not valid before ${day(from)}: until then browsers refuse it; is this machine's clock right?`;
    problems.push({ severity: 'warning', name: 'cert', text });
  }
  return problems;
}

/**
 * What a TLS server takes.
 *
 * @throws Error for people, if the files cannot be used
 */
export function readCertificate(tls: TlsSettings): SecureContextOptions {
  const [problem] = checkCertificate(tls);
  if (problem?.severity === 'error') throw new Error(problem.text);
  return contextOptions(tls);
}

/** The text is for people. */
class Unusable extends Error {
  readonly setting: keyof TlsSettings | undefined;

  constructor(text: string, setting?: keyof TlsSettings) {
    super(text);
    this.setting = setting;
  }
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const hint = code === 'EACCES' ? '; the user that runs headgate must be allowed to' : '';
    throw new Unusable(`${file} cannot be read: ${message}${hint}`);
  }
}

function readX509(file: string): X509Certificate {
  const text = readPem(file);
  try {
    return new X509Certificate(text);
  } catch {
    const hint = text.includes('PRIVATE KEY-----')
      ? 'it is a key: were cert_pem and cert_key swapped?'
      : 'see cert_pem';
    throw new Unusable(`${file} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----); ${hint}`);
  }
}

function readKey(file: string, password: string | undefined): KeyObject {
  const text = readPem(file);
  const isEncrypted = /ENCRYPTED/.test(text);
  if (isEncrypted && password === undefined)
    throw new Unusable(`${file} is encrypted: its password belongs in "cert_pwd"`);
  try {
    return createPrivateKey({ key: text, ...(password === undefined ? {} : { passphrase: password }) });
  } catch {
    if (isEncrypted) throw new Unusable(`"cert_pwd" is not the password of ${file}`, 'password');
    const hint = text.includes('BEGIN CERTIFICATE-----')
      ? 'it is a certificate: were cert_pem and cert_key swapped?'
      : 'see cert_key';
    throw new Unusable(`${file} holds no private key in PEM form (-----BEGIN PRIVATE KEY-----); ${hint}`);
  }
}

function makeContext(tls: TlsSettings, file: string): void {
  try {
    createSecureContext({ ciphers: tls.ciphers });
  } catch {
    throw new Unusable('"ciphers" is no list of ciphers as OpenSSL takes it ("openssl ciphers" tells them)', 'ciphers');
  }
  try {
    createSecureContext(contextOptions(tls));
  } catch (error) {
    throw new Unusable(`${file} cannot be used: ${(error as Error).message}`);
  }
}

function contextOptions({ cert = '', key = '', password, ciphers }: TlsSettings): SecureContextOptions {
  return {
    cert: readPem(cert),
    key: readPem(key),
    ...(password === undefined ? {} : { passphrase: password }),
    ...(ciphers === undefined ? {} : { ciphers }),
  };
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/**
 * Keeps a listener's certificate as its files say. A pair that cannot serve changes nothing: the last good one stays,
 * and the log and a metric say so. Connections that stand are never touched.
 */
import { type CheckedKeyPair, type KeyPairPaths, readKeyPair } from '../config/load/key-pair.ts';
import type { Clock } from '../observe/clock.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { ChangeWatch } from './change-watch.ts';

export interface CertificateUser {
  /** New connections get this pair. */
  useKeyPair(pair: CheckedKeyPair): void;
}

/** `current`: the pair that the listener was started with. Returns the way to stop. */
export function keepCertificate(
  listener: CertificateUser,
  paths: KeyPairPaths,
  current: CheckedKeyPair,
  { log, metrics, clock }: { readonly log: Log; readonly metrics: Metrics; readonly clock: Clock },
): () => void {
  let pair = current;
  let inForce = true;
  const reloads = { applied: 0, refused: 0 };
  metrics.counterBy(
    'scopegate_certificate_reloads_total',
    'Changes of the certificate files.',
    'outcome',
    () => reloads,
    'max',
  );
  metrics.gauge('scopegate_certificate_current', '1: the files are what is served.', () => Number(inForce), 'min');
  metrics.gauge(
    'scopegate_certificate_expires_seconds',
    'Unix time at which the certificate in use ends.',
    () => pair.validToMs / 1000,
    'min',
  );
  const warnOfDates = () => {
    const nowMs = clock.nowMs();
    if (nowMs >= pair.validFromMs && nowMs < pair.validToMs) return;
    const span = `${new Date(pair.validFromMs).toISOString()} to ${new Date(pair.validToMs).toISOString()}`;
    log.warn(`gateway.tls: the certificate in use is valid from ${span}, and so not now`);
  };
  warnOfDates();
  const watch = new ChangeWatch([paths.cert, paths.key], () => {
    const read = readKeyPair(paths);
    inForce = !('message' in read);
    if ('message' in read) {
      reloads.refused++;
      log.error(`gateway.tls: the new certificate is not used, the last good one stays: ${read.message}`);
      return;
    }
    if (read.cert.equals(pair.cert) && read.key.equals(pair.key)) return;
    pair = read;
    listener.useKeyPair(pair);
    reloads.applied++;
    log.info('gateway.tls: the new certificate is in use');
    warnOfDates();
  });
  return () => watch.stop();
}

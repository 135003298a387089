/**
 * Keeps the certificates of listeners as their files say. A pair that cannot serve changes nothing: the last good one stays,
 * and the log and a metric say so. Connections that stand are never touched.
 */
import { type CheckedKeyPair, type KeyPairPaths, readKeyPair, type TlsListener } from '../config/load/key-pair.ts';
import type { CertificateSelf } from '../fleet/fleet-report.ts';
import type { Clock } from '../observe/clock.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { ChangeWatch } from './change-watch.ts';

export interface CertificateUser {
  /** New connections get this pair. */
  useKeyPair(pair: CheckedKeyPair): void;
}

const OUTCOMES = ['applied', 'refused'] as const;

interface Kept {
  readonly listener: TlsListener;
  readonly file: string;
  pair: CheckedKeyPair;
  inForce: boolean;
  readonly reloads: Record<(typeof OUTCOMES)[number], number>;
}

interface LiveParts {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Pick<Clock, 'nowMs'>;
}

export class LiveCertificates {
  readonly #parts: LiveParts;
  readonly #kept: Kept[] = [];

  constructor(parts: LiveParts) {
    this.#parts = parts;
  }

  /** `pair`: what `user` was started with. Returns the way to stop. */
  keep(listener: TlsListener, user: CertificateUser, paths: KeyPairPaths, pair: CheckedKeyPair): () => void {
    if (this.#kept.length === 0) this.#describe();
    const kept: Kept = { listener, file: paths.cert, pair, inForce: true, reloads: { applied: 0, refused: 0 } };
    this.#kept.push(kept);
    this.#warnOfDates(kept);
    const watch = new ChangeWatch([paths.cert, paths.key], () => this.#changed(kept, user, readKeyPair(paths)));
    return () => watch.stop();
  }

  /** What new connections get. */
  state(): readonly CertificateSelf[] {
    const instant = (ms: number) => new Date(ms).toISOString();
    return this.#kept.map(({ listener, file, pair: { validFromMs, validToMs }, inForce }) => ({
      ...{ listener, file, validFrom: instant(validFromMs), endsAt: instant(validToMs), current: inForce },
    }));
  }

  #changed(kept: Kept, user: CertificateUser, read: ReturnType<typeof readKeyPair>): void {
    const { log } = this.#parts;
    kept.inForce = !('message' in read);
    if ('message' in read) {
      kept.reloads.refused++;
      log.error(`${kept.listener}.tls: the new certificate is not used, the last good one stays: ${read.message}`);
      return;
    }
    if (read.cert.equals(kept.pair.cert) && read.key.equals(kept.pair.key)) return;
    kept.pair = read;
    user.useKeyPair(read);
    kept.reloads.applied++;
    log.info(`${kept.listener}.tls: the new certificate is in use`);
    this.#warnOfDates(kept);
  }

  #warnOfDates({ listener, pair: { validFromMs, validToMs } }: Kept): void {
    const nowMs = this.#parts.clock.nowMs();
    if (nowMs >= validFromMs && nowMs < validToMs) return;
    const span = `${new Date(validFromMs).toISOString()} to ${new Date(validToMs).toISOString()}`;
    this.#parts.log.warn(`${listener}.tls: the certificate in use is valid from ${span}, and so not now`);
  }

  #describe(): void {
    const { metrics } = this.#parts;
    metrics.family(
      'scopegate_certificate_reloads_total',
      'Changes of the certificate files.',
      'counter',
      () =>
        this.#kept.flatMap(({ listener, reloads }) =>
          OUTCOMES.map((outcome) => ({ labels: { listener, outcome }, value: reloads[outcome] })),
        ),
      'max',
    );
    const gauge = (name: string, help: string, read: (kept: Kept) => number) =>
      metrics.family(
        name,
        help,
        'gauge',
        () => this.#kept.map((kept) => ({ labels: { listener: kept.listener }, value: read(kept) })),
        'min',
      );
    gauge('scopegate_certificate_current', '1: the files are what is served.', ({ inForce }) => Number(inForce));
    gauge(
      'scopegate_certificate_expires_seconds',
      'Unix time at which the certificate in use ends.',
      ({ pair }) => pair.validToMs / 1000,
    );
  }
}

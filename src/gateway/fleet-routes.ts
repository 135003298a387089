/**
 * The routes in force, with what their files say of them and how often every gateway process that shares the store was asked
 * for them. Each counts its own on a timer, away from its requests; what a process knew ends with it.
 */

import { bareRoutes } from '../admin/route-entries.ts';
import type { RouteBook } from '../admin/route-table-routes.ts';
import type { Configuration } from '../config/load/configuration.ts';
import { type LookedThrough, lintInThread } from '../lint/lint-in-thread.ts';
import type { Clock } from '../observe/clock.ts';
import type { Metrics } from '../observe/metrics.ts';
import { ROUTE_HOUR_MS, type RouteDay, RouteRing, sumCounts } from '../observe/route-ring.ts';
import type { FleetSubject, FleetTalk } from './fleet-talk.ts';

/** Files that are not what is in force are looked at again, but not by everybody who asks. */
const LOOK_AGAIN_MS = 5000;

interface Look {
  readonly configuration: Configuration;
  readonly atMs: number;
  readonly files: Promise<LookedThrough | null>;
}

export class FleetRoutes implements RouteBook {
  readonly #talk: FleetTalk;
  readonly #clock: Clock;
  readonly #inForce: () => Configuration;
  readonly #subject: FleetSubject<null, RouteDay | null>;
  #ring: RouteRing | null = null;
  #timer: NodeJS.Timeout | undefined;
  #bare: { readonly configuration: Configuration; readonly routes: ReturnType<typeof bareRoutes> } | null = null;
  #look: Look | null = null;

  constructor(talk: FleetTalk, clock: Clock, inForce: () => Configuration) {
    this.#talk = talk;
    this.#clock = clock;
    this.#inForce = inForce;
    this.#subject = talk.add('routes', () => this.#ring?.lately(clock.nowMs()) ?? null);
  }

  /** This process serves requests, from now on. */
  serve(metrics: Metrics): void {
    const ring = new RouteRing(metrics, this.#clock.nowMs());
    this.#ring = ring;
    this.#timer = setInterval(() => ring.sample(this.#clock.nowMs()), ROUTE_HOUR_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  configuration(): string {
    return this.#inForce().digest;
  }

  routes(): ReturnType<typeof bareRoutes> {
    const configuration = this.#inForce();
    if (this.#bare?.configuration !== configuration) this.#bare = { configuration, routes: bareRoutes(configuration) };
    return this.#bare.routes;
  }

  async files(): Promise<LookedThrough | null> {
    const configuration = this.#inForce();
    const { path, source } = configuration;
    if (source.contents !== undefined) return null;
    const look = this.#look;
    if (look?.configuration === configuration) {
      const found = await look.files.catch(() => null);
      const isFresh = performance.now() - look.atMs < LOOK_AGAIN_MS;
      if (isFresh || found?.digest === configuration.digest) return look.files;
    }
    const files = lintInThread({ path, env: source.env, embedded: source.embedded });
    this.#look = { configuration, atMs: performance.now(), files };
    return files;
  }

  async traffic() {
    const { answers, unanswered } = await this.#talk.ask(this.#subject, null);
    const days = [...answers.values()].filter((day) => day !== null);
    if (days.length === 0) return null;
    return {
      // As far back as every one has counted.
      sinceMs: Math.max(...days.map(({ sinceMs }) => sinceMs)),
      counts: sumCounts(days.map(({ counts }) => counts)),
      unanswered,
    };
  }
}

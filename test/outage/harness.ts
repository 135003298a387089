/** A gateway whose store can be lost and found, and whose time can be made to pass. */
import type { Clock } from '../../src/observe/clock.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { type Settings, startTestGateway, type TestGateway, type TestGatewayOptions } from '../support/gateway.ts';
import { ask, type RawResponse, rawRequest } from '../support/raw.ts';
import { scraped } from '../support/scrape.ts';

export const STALE_MS = 2000;

/** Two clocks that the test moves on; otherwise they run. */
class Clocks implements Clock {
  wallAheadMs = 0;
  passedMs = 0;
  readonly nowMs = () => Date.now() + this.wallAheadMs + this.passedMs;
  readonly monotonicMs = () => performance.now() + this.passedMs;
}

export class Harness implements AsyncDisposable {
  readonly gateway: TestGateway;
  readonly store: FaultyStore;
  readonly clock: Clocks;

  private constructor(gateway: TestGateway, store: FaultyStore, clock: Clocks) {
    this.gateway = gateway;
    this.store = store;
    this.clock = clock;
  }

  static async start(options: TestGatewayOptions, cache: Settings = {}): Promise<Harness> {
    const clock = new Clocks();
    let store!: FaultyStore;
    const gateway = await startTestGateway({
      ...options,
      settings: { ...options.settings, cache: { maxStalenessMs: STALE_MS, ...cache } },
      clock,
      aroundStore: (opened) => {
        store = new FaultyStore(opened);
        return store;
      },
    });
    return new Harness(gateway, store, clock);
  }

  /** The feed falls silent, and the store fails or hangs. */
  lose(how: 'fail' | 'hang'): void {
    this.store[how]();
    this.store.silence();
  }

  get(path: string, token = this.gateway.tokens.reader): Promise<RawResponse> {
    return ask(this.gateway.url, rawRequest(`GET ${path}`, [`Authorization: Bearer ${token}`]));
  }

  /** Time passes. */
  pass(ms: number): void {
    this.clock.passedMs += ms;
  }

  async metric(name: string): Promise<number> {
    const text = await scraped(this.gateway.running.metrics);
    return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)![1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.store.recover();
    await this.gateway.stop();
  }
}

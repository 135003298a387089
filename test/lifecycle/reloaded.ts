/** A gateway of each test's own in front of an upstream that records, whose configuration the test writes anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { type AdminAnswer, type Settings, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { Recorder } from '../support/recorder.ts';

/** A public route. */
export const open = (path: string, upstream = 'platform'): Settings => ({
  id: path.slice(1),
  match: { methods: ['GET'], path },
  public: true,
  upstream,
});

export interface Reloaded {
  readonly upstream: Recorder;
  readonly gateway: TestGateway;
  /** Of gateway.yaml. */
  file(): string;
  /** What stands in the file. */
  settings(): Settings;
  /** Replaces whole sections of the file. */
  write(change: Settings): void;
  reload(): Promise<AdminAnswer>;
  status(path: string): Promise<number>;
}

/** For all tests of the file, or of the `describe` that it is called in. They begin with one route, `/old`. */
export function reloaded(): Reloaded {
  let upstream: Recorder;
  let gateway: TestGateway;
  beforeEach(async () => {
    upstream = await Recorder.start();
    gateway = await startTestGateway({ upstreamUrl: upstream.url, seed: false, routes: [open('/old')] });
  });
  afterEach(async () => {
    await gateway.stop();
    await upstream.stop();
  });
  const file = () => join(gateway.folder, 'gateway.yaml');
  const settings = () => JSON.parse(readFileSync(file(), 'utf8')) as Settings;
  return {
    get upstream() {
      return upstream;
    },
    get gateway() {
      return gateway;
    },
    file,
    settings,
    write: (change) => writeFileSync(file(), JSON.stringify({ ...settings(), ...change })),
    reload: () => gateway.admin('POST', '/v1/reload'),
    status: async (path) => {
      const answer = await fetch(gateway.url + path);
      await answer.text();
      return answer.status;
    },
  };
}

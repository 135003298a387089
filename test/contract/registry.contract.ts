/**
 * What every registry promises, whatever engine is behind it. `peer` opens a second one on the same leases, as another
 * process would.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GatewayProcess, Registry } from '../../src/store/registry.ts';
import { StoreUnavailable } from '../../src/store/store.ts';

export interface RegistrySubject {
  readonly registry: Registry;
  /** Absent where the engine cannot be shared. */
  readonly peer?: () => Registry;
  readonly dispose: () => Promise<void>;
}

export function someProcess(id: string, revision = 1): GatewayProcess {
  return { id, host: 'host', pid: 7, startedAtMs: 1_700_000_000_000, revision };
}

export const LONG_MS = 60_000;
const SHORT_MS = 300;

export function describeRegistry(name: string, open: () => RegistrySubject | Promise<RegistrySubject>): void {
  describe(name, () => {
    let subject: RegistrySubject;
    let registry: Registry;
    let peer: Registry;

    beforeEach(async () => {
      subject = await open();
      registry = subject.registry;
      peer = subject.peer?.() ?? registry;
    });
    afterEach(async () => {
      if (peer !== registry) await peer.close();
      await subject.dispose();
    });

    const idsOf = async (asked: Registry) => (await asked.live()).map(({ id }) => id);

    it('begins with nobody', async () => {
      expect(await registry.live()).toEqual([]);
    });

    it('shows everybody what a process said with its last renewal', async () => {
      await registry.renew(someProcess('a', 1), LONG_MS);
      await registry.renew(someProcess('a', 2), LONG_MS);
      expect(await registry.live()).toEqual([someProcess('a', 2)]);
      expect(await peer.live()).toEqual([someProcess('a', 2)]);
    });

    it('lists processes by id, whoever holds them', async () => {
      await peer.renew(someProcess('b'), LONG_MS);
      await registry.renew(someProcess('c'), LONG_MS);
      await peer.renew(someProcess('a.b-c_d'), LONG_MS);
      expect(await idsOf(registry)).toEqual(['a.b-c_d', 'b', 'c']);
    });

    it('a lease lasts as long as was asked for, counted from before it was asked, and then ends by itself', async () => {
      const sentAtMs = performance.now();
      await registry.renew(someProcess('a'), SHORT_MS);
      await registry.renew(someProcess('b'), LONG_MS);
      for (;;) {
        const ids = await idsOf(peer);
        if (!ids.includes('a')) break;
        expect(performance.now() - sentAtMs).toBeLessThan(SHORT_MS * 10);
      }
      expect(performance.now() - sentAtMs).toBeGreaterThanOrEqual(SHORT_MS);
      expect(await idsOf(registry)).toEqual(['b']);
    });

    it('a renewed lease goes on without a gap', async () => {
      const begunMs = performance.now();
      for (let isOver = false; !isOver; ) {
        const sentMs = performance.now();
        await registry.renew(someProcess('a'), SHORT_MS);
        const ids = await idsOf(peer);
        // On a machine that stalled meanwhile the lease may have ended.
        if (performance.now() - sentMs >= SHORT_MS) continue;
        expect(ids).toEqual(['a']);
        isOver = sentMs - begunMs > SHORT_MS * 3;
      }
    });

    it('may be taken again after it ended', async () => {
      await registry.renew(someProcess('a', 1), 1);
      while ((await idsOf(peer)).length > 0);
      await registry.renew(someProcess('a', 2), LONG_MS);
      expect(await peer.live()).toEqual([someProcess('a', 2)]);
    });

    it('ends at once for whoever leaves, and for nobody else', async () => {
      await registry.renew(someProcess('a'), LONG_MS);
      await peer.renew(someProcess('b'), LONG_MS);
      await registry.leave('a');
      await registry.leave('a');
      await registry.leave('stranger');
      expect(await idsOf(peer)).toEqual(['b']);
    });

    it('is never missed while it is being renewed', async () => {
      const processes = Array.from({ length: 5 }, (_, nth) => `p${nth}`);
      for (const id of processes) await registry.renew(someProcess(id), LONG_MS);
      let renewing = true;
      const renewals = (async () => {
        for (let revision = 2; renewing; revision++)
          for (const id of processes) await registry.renew(someProcess(id, revision), LONG_MS);
      })();
      for (let round = 0; round < 200; round++) expect(await idsOf(peer)).toEqual(processes);
      renewing = false;
      await renewals;
    });

    it('once closed, every question is answered with unavailable, never with nobody', async () => {
      await registry.renew(someProcess('a'), LONG_MS);
      await registry.close();
      await expect(registry.live()).rejects.toThrow(StoreUnavailable);
      await expect(registry.renew(someProcess('a'), LONG_MS)).rejects.toThrow(StoreUnavailable);
      await expect(registry.leave('a')).rejects.toThrow(StoreUnavailable);
      await expect(registry.close()).resolves.toBeUndefined();
    });
  });
}

import { MemoryStore } from '../../src/store/memory-store.ts';
import { describeExport } from './export.contract.ts';
import { describeStore } from './store.contract.ts';

describeStore('MemoryStore', () => {
  const store = new MemoryStore();
  return { store, dispose: () => store.close() };
});

describeExport('MemoryStore', async () => {
  const store = new MemoryStore();
  return { store, dispose: () => store.close() };
});

import { MemoryStore } from '../../src/store/memory.ts';
import { describeStore } from './store.contract.ts';

describeStore('MemoryStore', () => {
  const store = new MemoryStore();
  return { store, dispose: () => store.close() };
});

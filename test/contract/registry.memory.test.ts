import { MemoryRegistry } from '../support/memory-registry.ts';
import { describeRegistry } from './registry.contract.ts';

describeRegistry('MemoryRegistry', () => {
  const registry = new MemoryRegistry();
  return { registry, dispose: () => registry.close() };
});

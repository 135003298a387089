import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/tools.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Every test brings its own servers and folders; a fresh world per file would only cost time.
    isolate: false,
    maxWorkers: 2,
  },
});

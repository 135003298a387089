import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Where nobody watches, a stall of the machine is told from a fault by a second try; it is named in the report.
    retry: process.env.CI === 'true' ? 1 : 0,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/tools.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // What is polled for comes or never does: only a busy machine takes longer than a moment.
    expect: { poll: { timeout: 5000 } },
    // Every test brings its own servers and folders; a fresh world per file would only cost time.
    isolate: false,
    maxWorkers: 2,
  },
});

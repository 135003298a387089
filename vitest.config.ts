import { defineConfig } from 'vitest/config';

const isCi = process.env.CI === 'true';

export default defineConfig({
  test: {
    // Where nobody watches, a stall of the machine is told from a fault by a second try; it is named in the report.
    retry: isCi ? 1 : 0,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/tools.ts', 'test/support/chance.ts'],
    setupFiles: ['test/support/whole-profiles.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // What is polled for comes or never does: only a busy machine takes longer than a moment.
    expect: { poll: { timeout: 5000 }, requireAssertions: true },
    // Every test brings its own servers and folders; a fresh world per file would only cost time.
    isolate: false,
    // Many tests wait for something: with one more than there are cores CI is done sooner.
    maxWorkers: isCi ? 3 : 2,
    coverage: {
      provider: 'v8',
      // What child processes run counts, too, where they end by themselves: who is killed leaves no profile.
      autoAttachSubprocess: true,
      include: ['src/**/*.ts'],
      // Runs in a browser, which keeps no such profile.
      exclude: ['src/console/**'],
      reporter: ['text-summary', 'json-summary'],
      // The floor: `npm run coverage` holds it, and raises it here. It never goes down. CI has no time for it (a quarter more).
      thresholds: {
        autoUpdate: (percent: number) => Math.floor(percent),
        statements: 34,
        branches: 24,
        functions: 33,
        lines: 37,
      },
    },
  },
});

/** Two-stage stopping: the first SIGTERM or SIGINT drains, a second one forces. */

/** Resolves once `stop` has finished. A second signal ends the process with the code the shell expects. */
export async function untilSignal(stop: (signal: string) => Promise<void>): Promise<void> {
  const codes = { SIGTERM: 143, SIGINT: 130 } as const;
  const first = await new Promise<keyof typeof codes>((resolve) => {
    for (const signal of Object.keys(codes) as Array<keyof typeof codes>) process.once(signal, () => resolve(signal));
  });
  for (const [signal, code] of Object.entries(codes)) process.on(signal, () => process.exit(code));
  await stop(first);
  // Whatever still keeps the loop alive (an idle keep-alive socket, a timer) is not worth waiting for.
  process.exit(0);
}

/** How far a command has come: one line that is written over again, for people who watch; nothing at all elsewhere. */

const PROGRESS_MS = 100;

export interface ProgressLine {
  say(text: string): void;
  clear(): void;
}

export function progressOn(stream: NodeJS.WriteStream): ProgressLine {
  let lastMs = 0;
  let shown = false;
  return {
    say: (text) => {
      if (!stream.isTTY || Date.now() - lastMs < PROGRESS_MS) return;
      lastMs = Date.now();
      shown = true;
      stream.write(`\r\x1b[2K${text.slice(0, Math.max(stream.columns - 1, 20))}`);
    },
    clear: () => {
      if (shown) stream.write('\r\x1b[2K');
      shown = false;
    },
  };
}

/** `12,000 of 40,000 (30 %), 5,000 a second, 6 s left`. */
export function pace(done: number, total: number, elapsedMs: number): string {
  const perSecond = elapsedMs === 0 ? 0 : (done * 1000) / elapsedMs;
  const left = perSecond === 0 ? '' : `, ${Math.ceil((total - done) / perSecond)} s left`;
  const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
  return `${amount(done)} of ${amount(total)} (${percent} %), ${amount(Math.round(perSecond))} a second${left}`;
}

export function amount(count: number): string {
  return count.toLocaleString('en-US');
}

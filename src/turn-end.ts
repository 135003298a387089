/**
 * What is written in one turn of the event loop leaves at its end, all sockets one after the other: whoever reads is woken
 * once for many messages, and the code that decides is not pushed out of the processor's caches by the kernel's. Knows no
 * socket.
 */

export interface Outgoing {
  /** Sends what has gathered. */
  sendOut(): void;
}

let waiting: Outgoing[] = [];

/** Once for each turn in which something gathers; to be sent before anything that must not overtake it. */
export function atTurnEnd(outgoing: Outgoing): void {
  if (waiting.push(outgoing) === 1) setImmediate(sendAll);
}

function sendAll(): void {
  const all = waiting;
  waiting = [];
  for (const outgoing of all) {
    try {
      outgoing.sendOut();
    } catch (error) {
      // The process's to see, but what the others have to send is not lost with it.
      process.nextTick(throwNow, error);
    }
  }
}

function throwNow(error: unknown): void {
  throw error;
}

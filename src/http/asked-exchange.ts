/**
 * An exchange about a request that is elsewhere: a proxy holds it and only asks about it. It can be answered, but it
 * has no body to read and nothing is ever relayed to it.
 */
import { Bug } from '../errors.ts';
import type { Exchange } from './exchange.ts';
import { isKnownMethod } from './known-method.ts';

/** The request that is asked about. */
export interface AskedRequest {
  readonly method: string;
  /** As that request has it, latin1. */
  readonly target: string;
  /** Raw pairs. */
  readonly headers: readonly string[];
  readonly peerAddress: string;
  /** true: the client's address is not known; `peerAddress` is that of whoever asks. */
  readonly isClientUnknown?: boolean;
}

export abstract class AskedExchange implements Exchange {
  readonly method: string;
  readonly target: string;
  /** Nothing that the request path would take for HTTP/1, where no request can have that method. */
  readonly minorVersion: number;
  readonly protocol: string = '1.1';
  readonly headers: readonly string[];
  readonly peerAddress: string;
  readonly isClientUnknown: boolean;
  readonly isElsewhere = true;
  readonly encrypted: boolean = false;

  constructor(asked: AskedRequest) {
    this.method = asked.method;
    this.minorVersion = isKnownMethod(asked.method) ? 1 : -1;
    this.target = asked.target;
    this.headers = asked.headers;
    this.peerAddress = asked.peerAddress;
    this.isClientUnknown = asked.isClientUnknown === true;
  }

  abstract readonly isGone: boolean;
  abstract readonly answered: boolean;
  abstract endConnection(): void;
  abstract answer(status: number, headers: string[], body: string): void;
  abstract breakOff(): void;

  sendContinue(): void {}
  sendInterim(): void {}

  relayHead(): never {
    throw NOTHING_HERE;
  }
  relay(): never {
    throw NOTHING_HERE;
  }
  relayEnd(): never {
    throw NOTHING_HERE;
  }
  flush(): never {
    throw NOTHING_HERE;
  }
  readBody(): never {
    throw NOTHING_HERE;
  }
  pauseBody(): never {
    throw NOTHING_HERE;
  }
  resumeBody(): never {
    throw NOTHING_HERE;
  }
  becomeStream(): never {
    throw NOTHING_HERE;
  }
  listen(): never {
    throw NOTHING_HERE;
  }
}

const NOTHING_HERE = new Bug('a request that was only asked about was forwarded');

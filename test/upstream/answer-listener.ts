/** Reads the bytes of one answer with the reader that upstream connections use, and writes down what it tells of them. */
import { type AnswerEvents, AnswerReader, type ReadOutcome } from '../../src/upstream/answer-reader.ts';
import type { AnswerHead } from '../../src/upstream/exchange.ts';
import type { BodyVerdict } from '../../src/upstream/states.ts';

export class AnswerListener implements AnswerEvents {
  readonly reader = new AnswerReader(this);
  informational: { status: number; headers: readonly string[] }[] = [];
  head: AnswerHead | undefined;
  body = '';
  /** What is said to each piece of a body. */
  verdict: BodyVerdict = 'go-on';
  outcome: ReadOutcome = 'needs-more';
  /** Bytes of all pieces that were used. */
  used = 0;

  /** In these pieces, until something else than `needs-more` is answered. Each lies between other bytes, as in a read buffer. */
  read(pieces: readonly string[], isHeadRequest = false): this {
    this.informational = [];
    this.head = undefined;
    this.body = '';
    this.used = 0;
    this.reader.begin(isHeadRequest);
    for (const piece of pieces) {
      const start = 3;
      const source = Buffer.from(`\r\n:${piece}\r\n\r\n`, 'latin1');
      this.outcome = this.reader.execute(source, start, start + piece.length);
      this.used += this.reader.consumed - start;
      if (this.outcome !== 'needs-more') break;
    }
    return this;
  }

  onInformational(status: number, headers: readonly string[]): boolean {
    this.informational.push({ status, headers });
    return true;
  }

  onHead(head: AnswerHead): boolean {
    this.head = head;
    return true;
  }

  onBody(chunk: Buffer): BodyVerdict {
    this.body += chunk.toString('latin1');
    return this.verdict;
  }
}

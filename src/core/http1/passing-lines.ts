/**
 * The header lines of one head that are sent on as they came, noted while it is read and cut out of its text once it is
 * whole, in their order. A line that is not spelled as we would write it (`Name: value`) is written so. Copies nothing
 * before it is asked, and decides nothing.
 */
import { SP } from './octets.ts';

export class PassingLines {
  /** Four numbers each: begin and end of lines in one piece, and two zeros; or of a name, and of its value. */
  readonly #places: number[] = [];
  /** How many of them are of this head: a list that is cut off and grows again is not cheap. */
  #count = 0;

  /** For the next head. */
  clear(): void {
    this.#count = 0;
  }

  /** Places are counted from the start of what `textIn` gets. `afterName`: the octet behind the colon. */
  add(
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
    lineEnd: number,
    afterName: number,
  ): void {
    const isUsual = afterName === SP && valueStart === nameEnd + 2 && valueEnd === lineEnd - 2;
    if (!isUsual) return this.#note(nameStart, nameEnd, valueStart, valueEnd);
    const places = this.#places;
    const last = this.#count - 4;
    if (last >= 0 && places[last + 2] === 0 && places[last + 1] === nameStart) places[last + 1] = lineEnd;
    else this.#note(nameStart, lineEnd, 0, 0);
  }

  #note(first: number, second: number, third: number, fourth: number): void {
    const places = this.#places;
    const at = this.#count;
    places[at] = first;
    places[at + 1] = second;
    places[at + 2] = third;
    places[at + 3] = fourth;
    this.#count = at + 4;
  }

  /** Each with CRLF. `head`: one char per byte. */
  textIn(head: string): string {
    const places = this.#places;
    let text = '';
    for (let at = 0; at < this.#count; at += 4) {
      const piece = head.substring(places[at]!, places[at + 1]!);
      const valueStart = places[at + 2]!;
      text += valueStart === 0 ? piece : `${piece}: ${head.substring(valueStart, places[at + 3]!)}\r\n`;
    }
    return text;
  }
}

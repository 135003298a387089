/**
 * The header lines of one head that are sent on as they came, noted while it is read and cut out of its text once it is
 * whole, in their order. A line that is not spelled as we would write it (`Name: value`) is written so. Copies nothing
 * before it is asked, and decides nothing.
 */
import { SP } from './octets.ts';

export class PassingLines {
  /** Four numbers each: begin and end of lines in one piece, and two zeros; or of a name, and of its value. */
  readonly #places: number[] = [];

  /** For the next head. */
  clear(): void {
    this.#places.length = 0;
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
    const places = this.#places;
    const isUsual = afterName === SP && valueStart === nameEnd + 2 && valueEnd === lineEnd - 2;
    if (!isUsual) {
      places.push(nameStart, nameEnd, valueStart, valueEnd);
      return;
    }
    const last = places.length - 4;
    if (last >= 0 && places[last + 2] === 0 && places[last + 1] === nameStart) places[last + 1] = lineEnd;
    else places.push(nameStart, lineEnd, 0, 0);
  }

  /** Each with CRLF. `head`: one char per byte. */
  textIn(head: string): string {
    const places = this.#places;
    let text = '';
    for (let at = 0; at < places.length; at += 4) {
      const piece = head.substring(places[at]!, places[at + 1]!);
      const valueStart = places[at + 2]!;
      text += valueStart === 0 ? piece : `${piece}: ${head.substring(valueStart, places[at + 3]!)}\r\n`;
    }
    return text;
  }
}

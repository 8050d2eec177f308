import { displayedAs } from '../display/display';
import { COLORS, FONT, INK, TEXT_SIZE, escapeXml } from '../figures/style';
import { randomState, restoreRandomState } from '../tensorflow/random';
import type { Messages } from './messages/en';

/** What a check says about an answer. As the result of a cell, it is shown as a card. */
export interface Verdict {
  isRight: boolean;
  /** Why the answer is right, or one hint that says what is off. */
  message: string;
  /** Returns the verdict if the answer is right; else throws an Error with the hint. For automatic grading. */
  orThrow(): Verdict;
}

/** Ends a check: its message is the hint that the student gets. */
export class Hint extends Error {}

/**
 * Runs a check to its first `Hint`. Afterwards, random numbers continue as if there had been no check.
 *
 * @param messages in the student's language.
 * @param name of the task.
 * @param test throws a `Hint` if the answer is wrong.
 * @throws what is not about the answer: Stop.
 * @example return runCheck(messages, 'units', () => { if (units > 125) throw new Hint('Too many.'); });
 */
export function runCheck(messages: Messages, name: string, test: () => void): Verdict {
  const random = randomState();
  try {
    test();
    return verdict(true, messages.verdicts.right, messages.right(name));
  } catch (error) {
    if (error instanceof Hint) {
      return verdict(false, messages.verdicts.wrong, error.message);
    }
    throw error;
  } finally {
    if (random) {
      restoreRandomState(random);
    }
  }
}

function verdict(isRight: boolean, title: string, message: string): Verdict {
  const result: Verdict = {
    isRight,
    message,
    orThrow() {
      if (!isRight) {
        throw new Error(message);
      }
      return result;
    },
  };
  // A mark and a word beside the colour, which not everybody can tell apart.
  const heading = `${isRight ? '✔' : '✘'} ${title}`;
  const style =
    `border-left: 6px solid ${isRight ? COLORS.green : COLORS.vermillion}; padding: 8px 14px; max-width: 44em; ` +
    `background: #FFFFFF; color: ${INK}; font-family: ${FONT}; font-size: ${TEXT_SIZE}px; line-height: 1.4; word-break: keep-all`; // Korean words stay whole
  const html = `<div style="${style}"><strong>${heading}</strong><br>${escapeXml(message)}</div>`;
  return displayedAs(result, () => ({ 'text/html': html, 'text/plain': `${heading}. ${message}` }));
}

import type { MimeBundle } from '../display/display';
import { pageBundle } from '../display/page-part';
import { renderSvg } from '../display/svg';
import type { Morph } from '../look-inside/morph';
import { indexOfLargest, percent } from '../page/bars';
import { digitGrid } from './digit-grid';
import { svgAddress } from './svg-elements';

const MOST_STILL = 8;

/**
 * A digit that becomes another, to step through by a slider, with the probabilities at each step. Where scripts do not
 * run, some of the pictures stand there in rows.
 *
 * @param morph a result of `morph`.
 * @returns a bundle for `display`: HTML, and a description in words.
 * @example display(morphFrames(morph(model, testImages, 0, 9)));
 */
export function morphFrames({ images, probabilities, target }: Morph): MimeBundle {
  const [count, rows, columns] = images.shape;
  const answers = probabilities.map((each) => ({
    answer: indexOfLargest(each),
    certainty: percent(Math.max(...each)),
  }));
  const shown = Math.min(MOST_STILL, count);
  const indices = Array.from({ length: shown }, (_, index) =>
    Math.round((index * (count - 1)) / Math.max(1, shown - 1)),
  );
  const { data, layout } = digitGrid(
    images,
    indices,
    indices.map((index) => `${answers[index].answer} (${answers[index].certainty})`),
  );
  const turn = answers.findIndex(({ answer }) => answer === target);
  const description =
    `A ${answers[0].answer} becomes a ${target} in ${count - 1} steps. ` +
    (turn < 0 ? `The network never sees a ${target}.` : `From step ${turn}, the network sees a ${target}.`);
  return pageBundle(
    'frames',
    {
      rows,
      columns,
      ink: Buffer.from(images.data).toString('base64'),
      probabilities: probabilities.map(rounded),
      target,
    },
    svgAddress(renderSvg(data, layout)),
    description,
  );
}

/** Seven decimals are as many as float32 holds. */
function rounded(probabilities: number[]): number[] {
  return probabilities.map((probability) => Number(probability.toFixed(7)));
}

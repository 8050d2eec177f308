import type { MimeBundle } from '../display/display';
import { COLORS, FULL_WIDTH, INK, PALE_BLUE } from './style';
import { svgPicture, svgText } from './svg-elements';

const HEIGHT = 330;
const MIDDLE = 190; // the height of the sum, the activation and the output
const INPUT = { x: 60, radius: 24, heights: [70, 140, 286] };
const SUM = { x: 300, radius: 36 };
const BOX = { x: 430, width: 110, height: 84 };
const ARROW = `stroke="${INK}" stroke-width="2" marker-end="url(#neuron-arrow)"`;

/**
 * One neuron: inputs x₁ to xₙ times their weights, summed up with the bias, and the activation of that sum.
 *
 * @returns a bundle for `display`: SVG, and a description in words.
 * @example display(neuronDiagram());
 */
export function neuronDiagram(): MimeBundle {
  const inputs = ['1', '2', 'n'].map((index, position) => {
    const y = INPUT.heights[position];
    const [dx, dy] = [SUM.x - INPUT.x, MIDDLE - y];
    const length = Math.hypot(dx, dy);
    const end = 1 - (SUM.radius + 10) / length;
    const [from, to] = [INPUT.radius / length, end];
    return [
      `<path d="M${INPUT.x + from * dx} ${y + from * dy}L${INPUT.x + to * dx} ${y + to * dy}" ${ARROW}/>`,
      `<circle cx="${INPUT.x}" cy="${y}" r="${INPUT.radius}" fill="${PALE_BLUE}" stroke="${INK}" stroke-width="2"/>`,
      indexed(INPUT.x, y + 6, 'x', index),
      indexed(INPUT.x + 0.42 * dx, y + 0.42 * dy - 14, 'w', index, COLORS.vermillion),
    ].join('\n');
  });
  const [left, top] = [BOX.x, MIDDLE - BOX.height / 2];
  const corner = [left + BOX.width / 2, MIDDLE + 14]; // of ReLU's curve
  const output = BOX.x + BOX.width;
  return {
    'image/svg+xml': svgPicture(FULL_WIDTH, HEIGHT, [
      '<defs><marker id="neuron-arrow" viewBox="0 0 10 10" refX="2" refY="5" markerWidth="5" markerHeight="5" orient="auto">' +
        `<path d="M0 0L10 5L0 10z" fill="${INK}"/></marker></defs>`,
      svgText(INPUT.x, 28, 'inputs', 'middle'),
      svgText(180, 28, 'weights', 'middle', `fill="${COLORS.vermillion}"`),
      ...inputs,
      svgText(INPUT.x, 220, '⋮', 'middle', 'font-size="30"'),
      `<path d="M${SUM.x} 98V${MIDDLE - SUM.radius - 10}" ${ARROW}/>`,
      svgText(SUM.x, 66, 'bias', 'middle', `fill="${COLORS.vermillion}"`),
      svgText(SUM.x, 90, 'b', 'middle', `font-size="20" font-style="italic" fill="${COLORS.vermillion}"`),
      `<circle cx="${SUM.x}" cy="${MIDDLE}" r="${SUM.radius}" fill="#FFFFFF" stroke="${INK}" stroke-width="2"/>`,
      svgText(SUM.x, MIDDLE + 12, 'Σ', 'middle', 'font-size="34"'),
      svgText(SUM.x, MIDDLE + 66, 'weighted sum', 'middle'),
      weightedSum(SUM.x + 22, MIDDLE + 94),
      `<path d="M${SUM.x + SUM.radius} ${MIDDLE}H${BOX.x - 10}" ${ARROW}/>`,
      svgText((SUM.x + SUM.radius + BOX.x) / 2, MIDDLE - 12, 'z', 'middle', 'font-size="20" font-style="italic"'),
      `<rect x="${left}" y="${top}" width="${BOX.width}" height="${BOX.height}" rx="6" fill="#FFFFFF" stroke="${INK}" stroke-width="2"/>`,
      `<path d="M${left + 14} ${corner[1]}H${left + BOX.width - 14}M${corner[0]} ${top + 12}V${top + BOX.height - 12}" stroke="#999999"/>`,
      `<path d="M${left + 14} ${corner[1]}H${corner[0]}L${corner[0] + 36} ${corner[1] - 40}" fill="none" stroke="${COLORS.blue}" stroke-width="3"/>`,
      svgText(corner[0], top - 14, 'activation h', 'middle'),
      `<path d="M${output} ${MIDDLE}H${output + 42}" ${ARROW}/>`,
      svgText(output + 62, MIDDLE + 7, 'y = h(z)', 'start', 'font-size="20" font-style="italic"'),
      svgText(output + 62, MIDDLE - 28, 'output'),
    ]),
    'text/plain':
      'A neuron: each of the inputs x1 to xn is multiplied by its weight w1 to wn; the sum of the products and of the ' +
      'bias b is z; the output is the activation h(z), here drawn as ReLU.',
  };
}

/** A variable with an index below it. */
function indexed(x: number, y: number, name: string, index: string, color = INK): string {
  return (
    `<text x="${x}" y="${y}" text-anchor="middle" font-size="20" font-style="italic" fill="${color}">${name}` +
    `<tspan dy="5" font-size="14">${index}</tspan></text>`
  );
}

/** z = w₁x₁ + w₂x₂ + … + wₙxₙ + b */
function weightedSum(x: number, y: number): string {
  const lowered = (index: string): string => `<tspan dy="5" font-size="14">${index}</tspan>`;
  const raised = (text: string): string => `<tspan dy="-5">${text}</tspan>`;
  const product = (index: string): string => `w${lowered(index)}${raised('x')}${lowered(index)}`;
  return (
    `<text x="${x}" y="${y}" text-anchor="middle" font-size="18" font-style="italic">z = ${product('1')}` +
    `${raised(' + ')}${product('2')}${raised(' + … + ')}${product('n')}${raised(' + b')}</text>`
  );
}

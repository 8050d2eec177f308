/** What the part "draw" is given. */
export interface DrawData {
  classes: number;
}

/** A pad to draw a digit on. */
export function drawDigit(shadow: ShadowRoot, { classes }: DrawData): void {
  const text = document.createElement('p');
  text.textContent = `Draw one of ${classes} digits.`;
  shadow.append(text);
}

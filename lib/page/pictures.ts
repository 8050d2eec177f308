/** The bytes that base64 stands for. */
export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Draws a grey picture into a canvas of its size: ink (255) is dark, paper (0) white. */
export function drawInk(canvas: HTMLCanvasElement, ink: ArrayLike<number>): void {
  const context = canvas.getContext('2d')!;
  const picture = context.createImageData(canvas.width, canvas.height);
  for (let pixel = 0; pixel < ink.length; pixel++) {
    const grey = 255 - ink[pixel];
    picture.data.set([grey, grey, grey, 255], pixel * 4);
  }
  context.putImageData(picture, 0, 0);
}

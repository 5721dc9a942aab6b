// Numbers in pictures: written by ffmpeg as a row of black and white blocks at the upper left, read from a canvas in the browser.

const BITS = 8;
const BLOCK_PX = 32;
/** Behind the bits a white and a black block, by which it shows that there is a number. */
const BLOCKS = BITS + 2;

/** A filter of ffmpeg that writes the number of each picture, below 256. */
export function numberFilter(): string {
  const box = (block: number, blocks: number, colour: string, when = '') =>
    `drawbox=x=${block * BLOCK_PX}:y=0:w=${blocks * BLOCK_PX}:h=${BLOCK_PX}:c=${colour}:t=fill${when}`;
  const bits = Array.from({ length: BITS }, (_, bit) =>
    box(bit, 1, 'white', `:enable='eq(mod(floor(n/${2 ** bit}),2),1)'`),
  );
  return [box(0, BLOCKS, 'black'), ...bits, box(BITS, 1, 'white')].join(',');
}

/** For a page, as text: `numberOf(video)` gives the number in its picture, or undefined. */
export const NUMBER_OF = `
window.numberOf = (() => {
  const canvas = new OffscreenCanvas(${BLOCKS * BLOCK_PX}, ${BLOCK_PX});
  const context = canvas.getContext('2d', { willReadFrequently: true });
  return video => {
    context.drawImage(video, 0, 0, ${BLOCKS * BLOCK_PX}, ${BLOCK_PX}, 0, 0, ${BLOCKS * BLOCK_PX}, ${BLOCK_PX});
    const bright = Array.from({ length: ${BLOCKS} }, (_, block) =>
      context.getImageData(block * ${BLOCK_PX} + ${BLOCK_PX / 2}, ${BLOCK_PX / 2}, 1, 1).data[1] > 127);
    if (!bright[${BITS}] || bright[${BITS + 1}]) return undefined;
    return bright.slice(0, ${BITS}).reduce((sum, isOne, bit) => sum + (isOne ? 2 ** bit : 0), 0);
  };
})();
`;

// Lines as pixels: each column of a trace is one run of pixels, its ends shaded by how much of a pixel they cover.
// A path of 50,000 pieces takes a canvas several times as long to stroke.

export interface Ink {
  red: number;
  green: number;
  blue: number;
}

/** Draws traces into the pixels of one image. */
export class Pixels {
  readonly width: number;
  readonly height: number;
  private readonly image: ImageData;
  private readonly words: Uint32Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.image = new ImageData(width, height);
    this.words = new Uint32Array(this.image.data.buffer);
  }

  clear(): void {
    this.words.fill(0);
  }

  show(context: CanvasRenderingContext2D): void {
    context.putImageData(this.image, 0, 0);
  }

  /**
   * One trace: a run in each column from `columns[2c]` to `columns[2c + 1]`, in the units of the signal.
   *
   * `zero` is the row of the value 0, `perUnit` how many pixels down one unit is (negative is up where it is positive);
   * nothing is drawn above row `top` or below row `bottom`. `thickness` is the line's, in pixels.
   */
  trace(
    columns: Float32Array,
    left: number,
    zero: number,
    perUnit: number,
    top: number,
    bottom: number,
    thickness: number,
    ink: Ink,
  ): void {
    const colour = ink.red | (ink.green << 8) | (ink.blue << 16);
    const half = thickness / 2;
    const count = Math.min(columns.length / 2, this.width - left);
    for (let column = 0; column < count; column++) {
      const a = columns[2 * column]!, b = columns[2 * column + 1]!;
      if (a !== a || b !== b) continue;
      const one = zero + a * perUnit, other = zero + b * perUnit;
      const begin = Math.max(top, Math.min(one, other) - half);
      const end = Math.min(bottom, Math.max(one, other) + half);
      if (begin < end) this.run(left + column, begin, end, colour);
    }
  }

  private run(x: number, begin: number, end: number, colour: number): void {
    const words = this.words, width = this.width;
    const first = Math.floor(begin), last = Math.ceil(end) - 1;
    if (first === last) {
      this.blend(first * width + x, end - begin, colour);
      return;
    }
    this.blend(first * width + x, first + 1 - begin, colour);
    this.blend(last * width + x, end - last, colour);
    const solid = (colour | 0xff000000) >>> 0;
    for (let place = (first + 1) * width + x, stop = last * width + x; place < stop; place += width) {
      words[place] = solid;
    }
  }

  /** A pixel that is partly covered; what is there already stays where it covers more. */
  private blend(place: number, covered: number, colour: number): void {
    const alpha = Math.round(covered * 255);
    if (alpha > this.words[place]! >>> 24) this.words[place] = (colour | (alpha << 24)) >>> 0;
  }
}

/** A canvas made as many pixels as it takes on the screen; true if that has changed. */
export function fit(canvas: HTMLCanvasElement): boolean {
  const ratio = globalThis.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  if (canvas.width === width && canvas.height === height) return false;
  canvas.width = width;
  canvas.height = height;
  return true;
}

/** A context in units of CSS pixels, emptied. */
export function fresh(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d")!;
  const ratio = globalThis.devicePixelRatio || 1;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  return context;
}

// Tiles that were fetched: bounded in bytes, those that were not looked at longest are let go.

import * as api from "./api.ts";

const LIMIT_BYTES = 96 * 2 ** 20;
/** After so long, a server that did not answer is asked again. */
const AGAIN_MS = 2000;

export class TileStore {
  private readonly held = new Map<string, Float32Array>();
  private readonly coming = new Map<string, Promise<void>>();
  private bytes = 0;

  /** `arrived` is called when a tile is there, `failed` when it cannot be had. */
  constructor(private readonly arrived: () => void, private readonly failed: (error: unknown) => void) {}

  get heldBytes(): number {
    return this.bytes;
  }

  /** Whether nothing that was asked for is still on its way. */
  get settled(): boolean {
    return this.coming.size === 0;
  }

  /** A tile, or undefined and it is on its way. */
  get(number: number, view: api.View, factor: number, place: number): Float32Array | undefined {
    const key = `${number} ${api.query(view)} ${factor} ${place}`;
    const found = this.held.get(key);
    if (found !== undefined) {
      this.held.delete(key);
      this.held.set(key, found);
      return found;
    }
    if (!this.coming.has(key)) this.coming.set(key, this.fetch(key, number, view, factor, place));
    return undefined;
  }

  /** Forget everything, as when the file was at fault. */
  clear(): void {
    this.held.clear();
    this.coming.clear();
    this.bytes = 0;
  }

  private async fetch(key: string, number: number, view: api.View, factor: number, place: number): Promise<void> {
    try {
      const tile = await api.tile(number, view, factor, place);
      this.held.set(key, tile);
      this.bytes += tile.byteLength;
      for (const [old, one] of this.held) {
        if (this.bytes <= LIMIT_BYTES || old === key) break;
        this.held.delete(old);
        this.bytes -= one.byteLength;
      }
      this.coming.delete(key);
      this.arrived();
    } catch (error) {
      this.failed(error);
      if (error instanceof api.Refused) return; // stays in `coming`: what cannot be had is not asked for again and again
      setTimeout(() => {
        if (this.coming.delete(key)) this.arrived();
      }, AGAIN_MS);
    }
  }
}

// Tiles that were fetched: bounded in bytes, those that were not looked at longest are let go.
import * as api from "./api.js";
const LIMIT_BYTES = 96 * 2 ** 20;
/** After so long, a server that did not answer is asked again. */ const AGAIN_MS = 2000;
export class TileStore {
  arrived;
  failed;
  held;
  coming;
  bytes;
  /** `arrived` is called when a tile is there, `failed` when it cannot be had. */ constructor(arrived, failed){
    this.arrived = arrived;
    this.failed = failed;
    this.held = new Map();
    this.coming = new Map();
    this.bytes = 0;
  }
  get heldBytes() {
    return this.bytes;
  }
  /** Whether nothing that was asked for is still on its way. */ get settled() {
    return this.coming.size === 0;
  }
  /** A tile, or undefined and it is on its way. */ get(number, view, factor, place) {
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
  /** Forget everything, as when the file was at fault. */ clear() {
    this.held.clear();
    this.coming.clear();
    this.bytes = 0;
  }
  async fetch(key, number, view, factor, place) {
    try {
      const tile = await api.tile(number, view, factor, place);
      this.held.set(key, tile);
      this.bytes += tile.byteLength;
      for (const [old, one] of this.held){
        if (this.bytes <= LIMIT_BYTES || old === key) break;
        this.held.delete(old);
        this.bytes -= one.byteLength;
      }
      this.coming.delete(key);
      this.arrived();
    } catch (error) {
      this.failed(error);
      if (error instanceof api.Refused) return; // stays in `coming`: what cannot be had is not asked for again and again
      setTimeout(()=>{
        if (this.coming.delete(key)) this.arrived();
      }, AGAIN_MS);
    }
  }
}

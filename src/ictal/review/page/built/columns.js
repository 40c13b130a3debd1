// From samples to what each column of the screen covers; tests/review/columns.py is the slow twin.
//
// A column is `perColumn` samples wide, the left edge of column 0 lies at `first`, both in samples of `values`, where
// NaN is a sample that is not there. Column c gets its lowest value at out[2c] and its highest at out[2c + 1]; NaN
// where it has none.
/**
 * What the polyline through the samples covers in each column: the samples in it, and the line at the column's two
 * edges, so that neighbouring columns always touch.
 */
export function lineColumns(values, first, perColumn, out) {
  const count = values.length;
  let left = between(values, first);
  let sample = Math.max(0, Math.ceil(first));
  for(let column = 0, place = 0; place < out.length; column++, place += 2){
    const edge = first + (column + 1) * perColumn;
    const right = between(values, edge);
    let low = right !== right || left < right ? left : right;
    let high = right !== right || left > right ? left : right;
    if (left !== left) low = high = right;
    for(; sample < count && sample < edge; sample++){
      const value = values[sample];
      if (value < low || low !== low) low = value;
      if (value > high || high !== high) high = value;
    }
    out[place] = low;
    out[place + 1] = high;
    left = right;
  }
}
/** The polyline's value at a place; NaN outside. */ function between(values, place) {
  const before = Math.floor(place);
  if (before < 0 || before >= values.length) return NaN;
  const share = place - before;
  return share === 0 ? values[before] : values[before] + (values[before + 1] ?? NaN) * share - values[before] * share;
}
/**
 * From blocks of which the extremes are known: `pairs` holds the lowest and highest value of each, and a "sample" above
 * is a block. A block belongs to the column in which it begins, so that none is left out and none counts twice; a
 * column in which none begins shows the one that it lies in. A column that does not reach its neighbour on the left is
 * stretched to touch it.
 */
export function blockColumns(pairs, first, perColumn, out) {
  const count = pairs.length / 2;
  let block = Math.max(0, Math.ceil(first));
  let lastLow = NaN, lastHigh = NaN;
  for(let column = 0, place = 0; place < out.length; column++, place += 2){
    const edge = first + (column + 1) * perColumn;
    const inside = Math.floor(first + column * perColumn);
    const covered = (block >= edge || block >= count) && inside >= 0 && inside < count;
    let low = covered ? pairs[2 * inside] : NaN, high = covered ? pairs[2 * inside + 1] : NaN;
    for(; block < count && block < edge; block++){
      const least = pairs[2 * block], most = pairs[2 * block + 1];
      if (least < low || low !== low) low = least;
      if (most > high || high !== high) high = most;
    }
    out[place] = low > lastHigh ? lastHigh : low;
    out[place + 1] = high < lastLow ? lastLow : high;
    lastLow = low;
    lastHigh = high;
  }
}
/** How many samples go into one block of what is asked for: 1 at ordinary widths, else 8 blocks or more a column. */ export function factorFor(samplesPerColumn, factors) {
  return Math.max(1, ...factors.filter((factor)=>factor <= samplesPerColumn / 8));
}

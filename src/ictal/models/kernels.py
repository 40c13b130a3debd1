"""The loops of `ictal.models.fused`, compiled by numba: all of a Mamba layer between its two projections.

For every window and direction of time: convolution and `silu`, then head by head the recurrence of `ictal.models.scan`,
step by step; then gate and normalisation. A head's memory is a matrix of N rows and P columns that stays in the core's
first cache, and one step is

    memory <- decay * memory + u v^T      gathered = left^T memory (P numbers)      seen = memory right (N numbers)

Forward gathers the output with `left = c`. Backward takes the same step twice: forward in time once more, to see the
gradient of `c` with `right` the gradient of the output; and backward in time, where the memory is the gradient of the
state, to gather that of the input and see that of `b`. So nothing but the layer's input is kept for it. The gradient of
the decays is a running sum of `c . dc - b . db`, begun anew from the exact product of both memories in every block,
because a long sum would lose small terms. Time goes in blocks whose arrays fit into the second cache.

numba does not keep such a step in vector registers by itself, so it is written in LLVM's own words: rows as many at a
time as a vector has lanes, so that their sums end as one vector. The other loops are left to LLVM, over rows padded to
`ROW` numbers: it takes several vectors at a time, and the rest of a row one by one.

Shape legend: B batch, L length, F columns of the projection (gate I, x I, b N, c N, raw step sizes H), D directions,
M = I + 2N, H heads, P head_dim, N state. P and N are whole vectors. Arrays marked * are padded to whole `ROW`s. Arrays
of the batch may hold bfloat16, as the uint16 that have its bits; all else is float32 or float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, no_type_check

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic, overload

LANES = 16
"""P and N are multiples of this."""
ROW = 64
TAPS = 4
"""Steps that the convolution sees."""
_VECTOR_BYTES = 64
_BLOCK = 64

_INDEX, _LANE = ir.IntType(64), ir.IntType(32)
_JOINED = ("contract",)
_OPTIONS = {"cache": True, "error_model": "numpy", "nogil": True, "fastmath": {"contract", "reassoc", "nsz", "arcp"}}


class _Operand:
    """A tuple (array, place, numbers...) that a step was given.

    Args:
        context: numba's.
        builder: Where instructions go.
        kind: The tuple's type.
        value: The tuple.
    """

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        array = context.make_array(kind.types[0])(context, builder, builder.extract_value(value, 0))
        self.data, self.place = array.data, builder.extract_value(value, 1)
        self.numbers = [builder.extract_value(value, at) for at in range(2, len(kind.types))]


class _Step:
    """Writes the instructions of one step.

    Args:
        builder: Where to.
        vector: Type of a vector.
        vectors: Vectors per row of the memory.
        memory: First element, and how many rows.
        operands: By name, as `_step` has them.
    """

    def __init__(self, builder: Any, vector: Any, vectors: int, memory: Any, operands: dict[str, _Operand]) -> None:
        self.builder, self.vector, self.vectors, self.memory, self.operands = builder, vector, vectors, memory, operands
        self.lanes, self.zero = vector.count, ir.Constant(vector, None)

    def write(self, decay: Any, *, gathers: bool, sees: bool) -> None:
        """The loop over groups of rows, and what is read from them."""
        builder = self.builder
        plain_v, plain_right = self._row("v"), self._row("right")
        v, right = self._scaled("v", plain_v), self._scaled("right", plain_right)
        totals = [self._variable() for _ in range(self.vectors)]
        along = self._variable()
        decay = self._in_all_lanes(decay)
        with cgutils.for_range_slice(builder, _INDEX(0), self.memory[1], _INDEX(self.lanes), _INDEX) as (first, _):
            products = []
            for lane in range(self.lanes):
                updated = self._updated(builder.add(first, _INDEX(lane)), v, decay, totals if gathers else [])
                products.append(self._dot(updated, right) if sees else self.zero)
            if sees:
                self._see(self._lane_sums(products), first, along)
        told = [builder.load(along)] if sees else []
        if gathers:
            gathered = [builder.load(total) for total in totals]
            self._give(gathered, plain_v, adds=not sees)
            told += [self._dot(gathered, plain_right), self._dot(plain_v, plain_right)] if sees else []
        for number, vector in enumerate(told):
            self._tell(number, vector)

    def _updated(self, row: Any, v: list[Any], decay: Any, totals: list[Any]) -> list[Any]:
        """One row of the memory brought up to date, and its share of what is gathered added to the totals."""
        builder, place = self.builder, self.builder.mul(row, _INDEX(self.vectors * self.lanes))
        u, left = (self._in_all_lanes(self._number(name, row)) for name in ("u", "left"))
        old = self._load(self.memory[0], place, self.vectors)
        updated = [self._joined(u, b, builder.fmul(decay, a)) for a, b in zip(old, v, strict=True)]
        self._store(updated, self.memory[0], place)
        for total, value in zip(totals, updated, strict=bool(totals)):
            builder.store(self._joined(left, value, builder.load(total)), total)
        return updated

    def _see(self, seen: Any, first: Any, along: Any) -> None:
        """Add what a group of rows has seen to what is there, and its product with `left` to `along`."""
        builder, at = self.builder, {name: self._at(name, first) for name in ("seen", "left")}
        before, left = (self._load(self.operands[name].data, at[name], 1)[0] for name in ("seen", "left"))
        self._store([builder.fadd(before, seen)], self.operands["seen"].data, at["seen"])
        builder.store(self._joined(left, seen, builder.load(along)), along)

    def _give(self, gathered: list[Any], plain_v: list[Any], *, adds: bool) -> None:
        """Write `scale * gathered + skip * v`, on top of what is there or in its place."""
        into = self.operands["into"]
        scale, skip = (self._in_all_lanes(number) for number in into.numbers)
        before = self._row("into") if adds else [self.zero] * self.vectors
        given = [
            self._joined(scale, g, self._joined(skip, v, b)) for g, v, b in zip(gathered, plain_v, before, strict=True)
        ]
        self._store(given, into.data, into.place)

    def _tell(self, number: int, vector: Any) -> None:
        """Write the sum of a vector's lanes into row `number` of `told`."""
        told = self.operands["told"]
        at = self.builder.add(told.place, self.builder.mul(_INDEX(number), told.numbers[0]))
        total = self.builder.extract_element(self._lane_sums([vector] * self.lanes), _LANE(0))
        self.builder.store(total, self.builder.gep(told.data, [at]))

    def _dot(self, a: list[Any], b: list[Any]) -> Any:
        """Products of two rows, added up vector by vector."""
        total = self.builder.fmul(a[0], b[0])
        for one, other in zip(a[1:], b[1:], strict=True):
            total = self._joined(one, other, total)
        return total

    def _lane_sums(self, rows: list[Any]) -> Any:
        """Vector of the sums over the lanes of as many vectors as there are lanes, in a tree."""
        while len(rows) > 1:
            rows = [self._pairs_added(a, b) for a, b in zip(rows[::2], rows[1::2], strict=True)]
        return rows[0]

    def _pairs_added(self, a: Any, b: Any) -> Any:
        """Neighbouring lanes added: those of `a` in the first half, those of `b` in the second."""
        lanes = ir.VectorType(_LANE, self.lanes)
        masks = (ir.Constant(lanes, list(range(first, 2 * self.lanes, 2))) for first in (0, 1))
        even, odd = (self.builder.shuffle_vector(a, b, mask) for mask in masks)
        return self.builder.fadd(even, odd)

    def _joined(self, a: Any, b: Any, c: Any) -> Any:
        """`a * b + c`, in one rounding where the processor can."""
        return self.builder.fadd(self.builder.fmul(a, b, flags=_JOINED), c, flags=_JOINED)

    def _variable(self) -> Any:
        return cgutils.alloca_once_value(self.builder, self.zero)  # type: ignore[no-untyped-call]

    def _scaled(self, name: str, row: list[Any]) -> list[Any]:
        scale = self._in_all_lanes(self.operands[name].numbers[0])
        return [self.builder.fmul(scale, vector) for vector in row]

    def _at(self, name: str, offset: Any) -> Any:
        return self.builder.add(self.operands[name].place, offset)

    def _number(self, name: str, offset: Any) -> Any:
        return self.builder.load(self.builder.gep(self.operands[name].data, [self._at(name, offset)]))

    def _row(self, name: str) -> list[Any]:
        return self._load(self.operands[name].data, self.operands[name].place, self.vectors)

    def _in_all_lanes(self, value: Any) -> Any:
        undefined = ir.Constant(self.vector, ir.Undefined)
        one = self.builder.insert_element(undefined, value, _LANE(0))
        return self.builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(_LANE, self.lanes), None))

    def _places(self, data: Any, first: Any, vectors: int) -> list[Any]:
        offsets = [self.builder.add(first, _INDEX(self.lanes * number)) for number in range(vectors)]
        return [self.builder.bitcast(self.builder.gep(data, [at]), self.vector.as_pointer()) for at in offsets]

    def _load(self, data: Any, first: Any, vectors: int) -> list[Any]:
        return [self.builder.load(place, align=4) for place in self._places(data, first, vectors)]

    def _store(self, row: list[Any], data: Any, first: Any) -> None:
        for value, place in zip(row, self._places(data, first, len(row)), strict=True):
            self.builder.store(value, place, align=4)


def _step(*, gathers: bool, sees: bool) -> Callable[..., Any]:
    """A step as a function for numba: (width, memory, decay, u, left, v, right, into, seen, told).

    `width` is any tuple with one entry for every `LANES` columns of the memory (N, P). The operands are tuples that
    begin with a contiguous array and the place in it: u and left of N numbers; v and right of P, with a factor; into of
    P, with factors of what is gathered and of v; seen of N; told, with the length of its rows, of three sums: seen with
    left, gathered with right, and v with right, without their factors.
    """

    def typed(_typing: Any, width: Any, memory: Any, decay: Any, u: Any, left: Any, v: Any, right: Any, into: Any, seen: Any, told: Any) -> Any:  # fmt: skip  # noqa: E501
        kinds = {"u": u, "left": left, "v": v, "right": right, "into": into, "seen": seen, "told": told}

        def generate(context: Any, builder: Any, _signature: Any, given: Any) -> Any:
            held = context.make_array(memory)(context, builder, given[1])
            lanes = _VECTOR_BYTES // (memory.dtype.bitwidth // 8)
            vector = ir.VectorType(context.get_value_type(memory.dtype), lanes)
            operands = {
                name: _Operand(context, builder, kind, value)
                for (name, kind), value in zip(kinds.items(), given[3:], strict=True)
            }
            rows = builder.extract_value(held.shape, 0)
            step = _Step(builder, vector, len(width) * LANES // lanes, (held.data, rows), operands)
            step.write(given[2], gathers=gathers, sees=sees)
            return context.get_dummy_value()

        return numba.types.void(width, memory, decay, *kinds.values()), generate

    return intrinsic(typed)


_gather = _step(gathers=True, sees=False)
_see = _step(gathers=False, sees=True)
_gather_and_see = _step(gathers=True, sees=True)


def _exp(_x: float) -> float:
    raise NotImplementedError


@overload(_exp, jit_options=_OPTIONS | {"cache": False})
@no_type_check
def _exp_of_type(_x):
    """For float64 the library's, for float32 a polynomial that fits into vectors (Cephes' `expf`). NaN stays NaN."""
    if _x != numba.float32:
        return lambda _x: math.exp(_x)  # noqa: PLW0108 - numba wants a function of its own
    one, half, log2_e = np.float32(1), np.float32(0.5), np.float32(math.log2(math.e))
    lowest, highest = np.float32(-87), np.float32(88)
    ln2_high, ln2_low = np.float32(0.693359375), np.float32(-2.12194440e-4)
    p0, p1, p2 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
    p3, p4, p5 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)

    def polynomial(_x):
        x = lowest if _x < lowest else _x  # noqa: FURB136 - min and max would lose NaN
        x = highest if x > highest else x  # noqa: FURB136
        whole = np.floor(x * log2_e + half)
        rest = x - whole * ln2_high - whole * ln2_low
        power = ((((p0 * rest + p1) * rest + p2) * rest + p3) * rest + p4) * rest + p5
        scale = np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)).view(np.float32)
        return (power * rest * rest + rest + one) * scale

    return polynomial


@numba.njit(**_OPTIONS)
@no_type_check
def _sigmoid(x):
    one = np.float32(1)
    return one / (one + _exp(-x))


def _number(_x: float) -> float:
    raise NotImplementedError


@overload(_number, jit_options=_OPTIONS | {"cache": False})
@no_type_check
def _number_of_bits(_x):
    """The number that an entry of a batch's array stands for."""
    if _x != numba.uint16:
        return lambda _x: _x
    return lambda _x: np.uint32(np.uint32(_x) << np.uint32(16)).view(np.float32)


def _entry(_array: object, _x: float) -> float:
    raise NotImplementedError


@overload(_entry, jit_options=_OPTIONS | {"cache": False})
@no_type_check
def _bits_of_number(_array, _x):
    """A number as an entry of a batch's array: bfloat16 rounds to the nearest, to even if there are two."""
    if _array.dtype != numba.uint16:
        return lambda _array, _x: _x
    low, half, sixteen = np.uint32(1), np.uint32(0x7FFF), np.uint32(16)

    def rounded(_array, _x):
        bits = np.float32(_x).view(np.uint32)
        return np.uint16(np.uint32(bits + half + ((bits >> sixteen) & low)) >> sixteen)

    return rounded


def padded(width: int) -> int:
    """A width as whole `ROW`s."""
    return -(-width // ROW) * ROW


@numba.njit(**_OPTIONS)
@no_type_check
def _read(row, into):
    """A row of a batch's array as numbers, at the beginning of a row that may be longer."""
    for c in range(len(row)):
        into[c] = _number(row[c])


@numba.njit(**_OPTIONS)
@no_type_check
def _write(row, into):
    """The beginning of a row of numbers into a row of a batch's array."""
    for c in range(len(into)):
        into[c] = _entry(into, row[c])


@numba.njit(**_OPTIONS)
@no_type_check
def _convolve(rows, inner, used, taps, bias, back, begin, inputs, mixed):
    """Convolution and `silu` of the `used` columns between gate and step sizes, for a block from step `begin` on.

    Writes its inputs in this direction (_BLOCK + TAPS - 1, M*) and its output (_BLOCK, M*); returns the block's steps.
    """
    length, steps, width = len(rows), min(_BLOCK, len(rows) - begin), mixed.shape[1]
    w0, w1, w2, w3 = taps[0], taps[1], taps[2], taps[3]
    for i in range(steps + TAPS - 1):
        t = begin + i - (TAPS - 1)
        if t < 0:
            inputs[i] = 0
        else:
            _read(rows[length - 1 - t if back else t, inner : inner + used], inputs[i])
    for i in range(steps):
        x0, x1, x2, x3, now = inputs[i], inputs[i + 1], inputs[i + 2], inputs[i + 3], mixed[i]
        for c in range(width):
            u = bias[c] + w0[c] * x0[c] + w1[c] * x1[c] + w2[c] * x2[c] + w3[c] * x3[c]
            now[c] = u * _sigmoid(u)
    return steps


@numba.njit(**_OPTIONS)
@no_type_check
def _convolve_back(inputs, taps, bias, steps, dmixed, dtaps, dbias):
    """Gradients of `_convolve`: of taps and bias, added; of what goes into `silu`, in place of that of its output."""
    width = inputs.shape[1]
    w0, w1, w2, w3 = taps[0], taps[1], taps[2], taps[3]
    d0, d1, d2, d3 = dtaps[0], dtaps[1], dtaps[2], dtaps[3]
    one = np.float32(1)
    for i in range(steps):
        x0, x1, x2, x3, g = inputs[i], inputs[i + 1], inputs[i + 2], inputs[i + 3], dmixed[i]
        for c in range(width):
            u = bias[c] + w0[c] * x0[c] + w1[c] * x1[c] + w2[c] * x2[c] + w3[c] * x3[c]
            gate = _sigmoid(u)
            g[c] *= gate + u * gate * (one - gate)
        for c in range(width):
            dbias[c] += g[c]
        for c in range(width):
            d0[c] += g[c] * x0[c]
        for c in range(width):
            d1[c] += g[c] * x1[c]
        for c in range(width):
            d2[c] += g[c] * x2[c]
        for c in range(width):
            d3[c] += g[c] * x3[c]


@numba.njit(**_OPTIONS)
@no_type_check
def _through_taps(dmixed, taps, back, begin, steps, dinputs):
    """Gradient of the convolution's inputs: of a block and what follows it, into (L, M*) in order of time."""
    length, width = dinputs.shape
    w0, w1, w2, w3 = taps[0], taps[1], taps[2], taps[3]
    for i in range(steps):
        g0, g1, g2, g3 = dmixed[i], dmixed[i + 1], dmixed[i + 2], dmixed[i + 3]
        total = dinputs[length - 1 - begin - i if back else begin + i]
        if back:
            for c in range(width):
                total[c] += w3[c] * g0[c] + w2[c] * g1[c] + w1[c] * g2[c] + w0[c] * g3[c]
        else:
            for c in range(width):
                total[c] = w3[c] * g0[c] + w2[c] * g1[c] + w1[c] * g2[c] + w0[c] * g3[c]


@numba.njit(**_OPTIONS)
@no_type_check
def _decays(dt, rates, decay):
    """What each head (H) keeps of its memory in each step: (H, L)."""
    for h in range(len(rates)):
        for t in range(dt.shape[1]):
            decay[h, t] = _exp(dt[h, t] * rates[h])


@numba.njit(**_OPTIONS)
@no_type_check
def _scan(width, mixed, begin, steps, dt, decay, skip, back, memory, summed):
    """Adds a block's output of the recurrence and of the skip, in one direction, to `summed` (L, I*)."""
    heads, state, columns = memory.shape
    one, row, kept, length = mixed.dtype.type(1), mixed.shape[1], summed.shape[1], len(summed)
    for h in range(heads):
        for i in range(steps):
            t, b, x = begin + i, i * row + heads * columns, i * row + h * columns
            y = (length - 1 - t if back else t) * kept + h * columns
            v, into = (mixed, x, dt[h, t]), (summed, y, one, skip[h])
            _gather(
                width, memory[h], decay[h, t], (mixed, b), (mixed, b + state), v, v, into, (mixed, b), (mixed, x, one)
            )


@numba.njit(**_OPTIONS)
@no_type_check
def _look_back(width, mixed, begin, steps, dt, decay, back, memory, dsummed, dmixed, dc, sums):
    """The first pass over a block: adds the gradient of c (L, N), writes `c . dc` of each head (H, L)."""
    heads, state, columns = memory.shape
    one, row, kept, length = mixed.dtype.type(1), mixed.shape[1], dsummed.shape[1], len(dsummed)
    for h in range(heads):
        for i in range(steps):
            t, b, x = begin + i, i * row + heads * columns, i * row + h * columns
            y = (length - 1 - t if back else t) * kept + h * columns
            u, left, v, right = (mixed, b), (mixed, b + state), (mixed, x, dt[h, t]), (dsummed, y, one)
            told = (sums, h * length + t, 0)
            _see(width, memory[h], decay[h, t], u, left, v, right, (dmixed, x, one, one), (dc, t * state), told)


@numba.njit(**_OPTIONS)
@no_type_check
def _go_back(
    width, mixed, begin, steps, dt, decay, rates, skip, back, memory, before, dsummed, dmixed, sums, ddt, drates, dskip
):
    """The second pass over a block, from its end: writes the gradients of x and dt, adds those of b, rates and skip.

    `memory` (H, N, P) is the gradient of the state after the block and is brought to its beginning, `before` the state
    there. `sums` holds what the first pass has written, and then the gradient of the logarithm of each decay.
    """
    heads, state, columns = memory.shape
    one, row, kept, length = mixed.dtype.type(1), mixed.shape[1], dsummed.shape[1], len(dsummed)
    told = np.empty((3, _BLOCK), mixed.dtype)
    for h in range(heads):
        after = begin + steps
        following = decay[h, after] if after < length else one - one
        running = np.float64(sums[h, after]) if after < length else 0.0
        for i in range(steps - 1, -1, -1):
            t, b, x = begin + i, i * row + heads * columns, i * row + h * columns
            y = (length - 1 - t if back else t) * kept + h * columns
            u, left, v, right = (mixed, b + state), (mixed, b), (dsummed, y, one), (mixed, x, dt[h, t])
            into, seen = (dmixed, x, dt[h, t], skip[h]), (dmixed, b)
            _gather_and_see(width, memory[h], following, u, left, v, right, into, seen, (told, i, _BLOCK))
            following = decay[h, t]
            running += np.float64(sums[h, t]) - np.float64(told[0, i])
            sums[h, t] = running
        sums[h, begin] = following * _product(memory[h], before[h])
        for i in range(steps):
            ddt[h, begin + i] = told[1, i] + sums[h, begin + i] * rates[h]
            drates[h] += sums[h, begin + i] * dt[h, begin + i]
            dskip[h] += told[2, i]


@numba.njit(**_OPTIONS)
@no_type_check
def _product(a, b):
    total = 0.0
    for n in range(a.shape[0]):
        for p in range(a.shape[1]):
            total += np.float64(a[n, p]) * np.float64(b[n, p])
    return total


@numba.njit(**_OPTIONS)
@no_type_check
def _direction_back(width, rows, inner, state, weights, dt, back, dsummed, dinputs, ddt, gradients):
    """Gradients of one direction of one window, by two passes over its blocks."""
    (taps, bias, rates, skip), (dtaps, dbias, drates, dskip) = weights, gradients
    kind, length, row, used = taps.dtype, len(rows), taps.shape[1], inner + 2 * state
    heads, blocks = len(rates), -(-length // _BLOCK)
    inputs, mixed = np.zeros((_BLOCK + TAPS - 1, row), kind), np.empty((_BLOCK, row), kind)
    dmixed, dc = np.zeros((_BLOCK + TAPS - 1, row), kind), np.zeros((length, state), kind)
    decay, sums = np.empty((heads, length), kind), np.empty((heads, length), kind)
    memory = np.zeros((heads, state, inner // heads), kind)
    before = np.empty((blocks, *memory.shape), kind)
    _decays(dt, rates, decay)
    for k in range(blocks):
        before[k] = memory
        steps = _convolve(rows, inner, used, taps, bias, back, k * _BLOCK, inputs, mixed)
        _look_back(width, mixed, k * _BLOCK, steps, dt, decay, back, memory, dsummed, dmixed, dc, sums)
    memory[:] = 0
    for k in range(blocks - 1, -1, -1):
        begin, following = k * _BLOCK, dmixed[: TAPS - 1].copy()
        steps = _convolve(rows, inner, used, taps, bias, back, begin, inputs, mixed)
        dmixed[:steps] = 0
        dmixed[steps : steps + TAPS - 1] = following
        dmixed[:steps, inner + state : used] = dc[begin : begin + steps]
        _go_back(
            width,
            mixed,
            begin,
            steps,
            dt,
            decay,
            rates,
            skip,
            back,
            memory,
            before[k],
            dsummed,
            dmixed,
            sums,
            ddt,
            drates,
            dskip,
        )
        _convolve_back(inputs, taps, bias, steps, dmixed, dtaps, dbias)
        _through_taps(dmixed, taps, back, begin, steps, dinputs)


@numba.njit(**_OPTIONS)
@no_type_check
def forward(width, rows, dt, taps, bias, rates, skip, weight, floor, inner, state, summed, out, first, stop):
    """Windows `first` to `stop` of a batch: both directions of `_scan` into `summed`, gated and normalised into `out`.

    Args:
        width: A tuple with one entry for every `LANES` columns of a head.
        rows: Projection (B, L, F); the raw step sizes are not looked at.
        dt: Step sizes (B, D, H, L), each direction in its own order of time.
        taps: Of the convolution (D, TAPS, M*).
        bias: Of the convolution (D, M*).
        rates: Decay rates (D, H).
        skip: Of each head (D, H).
        weight: Of the normalisation (I*).
        floor: What is added to the mean square.
        inner: I.
        state: N.
        summed: Both directions (B, L, I), written.
        out: The result (B, L, I), written.
        first: Window to begin with.
        stop: Window to end before.
    """
    kind, length, row, kept, heads = taps.dtype, rows.shape[1], taps.shape[2], len(weight), rates.shape[1]
    inputs, mixed = np.zeros((_BLOCK + TAPS - 1, row), kind), np.empty((_BLOCK, row), kind)
    both, decay = np.empty((length, kept), kind), np.empty((heads, length), kind)
    memory, z = np.empty((heads, state, inner // heads), kind), np.zeros(kept, kind)
    for w in range(first, stop):
        both[:] = 0
        for d in range(len(taps)):
            memory[:] = 0
            _decays(dt[w, d], rates[d], decay)
            for begin in range(0, length, _BLOCK):
                steps = _convolve(rows[w], inner, inner + 2 * state, taps[d], bias[d], d == 1, begin, inputs, mixed)
                _scan(width, mixed, begin, steps, dt[w, d], decay, skip[d], d == 1, memory, both)
        for t in range(length):
            y, squares = both[t], floor * np.float32(0)
            _read(rows[w, t, :inner], z)
            _write(y, summed[w, t])
            for i in range(kept):
                y[i] *= z[i] * _sigmoid(z[i])
                squares += y[i] * y[i]
            scale = np.float32(1) / np.sqrt(squares / np.float32(inner) + floor)
            for i in range(kept):
                y[i] *= scale * weight[i]
            _write(y, out[w, t])


@numba.njit(**_OPTIONS)
@no_type_check
def _gate_back(rows, summed, weight, floor, inner, dout, drows, dsummed, dweight):
    """Gradients of gate and normalisation of one window; that of the weight is added to what is there."""
    length, kept, kind = len(rows), len(weight), weight.dtype
    z, y, given = np.zeros(kept, kind), np.zeros(kept, kind), np.zeros(kept, kind)
    gated, gate, slope = np.empty(kept, kind), np.empty(kept, kind), np.empty(kept, kind)
    one = np.float32(1)
    for t in range(length):
        _read(rows[t, :inner], z)
        _read(summed[t], y)
        _read(dout[t], given)
        dy, squares, along = dsummed[t], floor * np.float32(0), floor * np.float32(0)
        for i in range(kept):
            open_ = _sigmoid(z[i])
            gate[i] = z[i] * open_
            slope[i] = open_ + gate[i] * (one - open_)
        for i in range(kept):
            gated[i] = y[i] * gate[i]
            squares += gated[i] * gated[i]
            along += given[i] * weight[i] * gated[i]
        scale = one / np.sqrt(squares / np.float32(inner) + floor)
        along *= scale * scale / np.float32(inner)
        for i in range(kept):
            dweight[i] += given[i] * gated[i] * scale
        for i in range(kept):
            dgated = (given[i] * weight[i] - gated[i] * along) * scale
            dy[i] = dgated * gate[i]
            slope[i] *= dgated * y[i]
        _write(slope, drows[t, :inner])


@numba.njit(**_OPTIONS)
@no_type_check
def backward(
    width, rows, dt, taps, bias, rates, skip, weight, floor, inner, state, summed, dout, gradients, first, stop
):
    """Gradients of `forward`, from that of its result, `dout` (B, L, I).

    Those of rows and dt are written; those of taps, bias, rates, skip and weight, with the batch before their shape,
    are added to what is there.
    """
    drows, ddt, dtaps, dbias, drates, dskip, dweight = gradients
    length, kept, used = rows.shape[1], len(weight), inner + 2 * state
    dinputs, dsummed = np.empty((length, taps.shape[2]), taps.dtype), np.empty((length, kept), taps.dtype)
    for w in range(first, stop):
        _gate_back(rows[w], summed[w], weight, floor, inner, dout[w], drows[w], dsummed, dweight[w])
        for d in range(len(taps)):
            weights = (taps[d], bias[d], rates[d], skip[d])
            of_weights = (dtaps[w, d], dbias[w, d], drates[w, d], dskip[w, d])
            _direction_back(
                width, rows[w], inner, state, weights, dt[w, d], d == 1, dsummed, dinputs, ddt[w, d], of_weights
            )
        for t in range(length):
            _write(dinputs[t], drows[w, t, inner : inner + used])

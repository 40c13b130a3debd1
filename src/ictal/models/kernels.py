"""The loops of `ictal.models.fused`, compiled by numba: all of a Mamba layer between its two projections.

For every window and direction of time: convolution and `silu`, then head by head the recurrence of `ictal.models.scan`;
then gate and normalisation. A head's memory is a matrix that stays in the core's first cache, and a step is

    memory <- decay * memory + u v^T      gathered = left^T memory      seen = memory right

`GROUP` steps are taken in one pass over the memory: `_pass` gathers from it and brings it up to date, `_see` sees it,
both as it was before the group. What the group's own steps add is a sum of products of their rows, far smaller, which
`_finish` makes good. So the memory is read and written once in `GROUP` steps, and scaled once.

Forward, the memory has N rows and P columns, and the output is gathered with `left = c`. Backward takes the same step
twice, on P rows and N columns: forward in time once more, to gather the gradient of `c` with `left` the gradient of the
output; and backward in time, where the memory is the gradient of the state, to gather that of `b` and see that of the
input. So nothing but the layer's input is kept for it. The gradient of the decays is a running sum of
`c . dc - b . db`, begun anew from the exact product of both memories in every block, because a long sum would lose
small terms. Time goes in blocks whose arrays fit into the second cache. Where steps do not fill a group, rows of zeros
follow, with a decay of one.

numba does not keep such a step in vector registers by itself, so it is written in LLVM's own words. The other loops are
left to LLVM, over rows padded to `ROW` numbers: it takes several vectors at a time, and the rest of a row one by one.

Shape legend: B batch, L length, F columns of the projection (gate I, x I, b N, c N, raw step sizes H), D directions,
M = I + 2N, H heads, P head_dim, N state. P and N are whole vectors. Arrays marked * are padded to whole `ROW`s. Arrays
of the batch may hold bfloat16, as the uint16 that have its bits; all else is float32 or float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any, TypeAlias, no_type_check

import numba
import numpy as np
from jaxtyping import Float, Shaped
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic, overload

LANES = 16
"""P and N are multiples of this."""
ROW = 64
TAPS = 4
"""Steps that the convolution sees."""
GROUP = 4
"""Steps that a pass over a head's memory takes at once; `_BLOCK` holds whole groups."""
_VECTOR_BYTES, _PART_BYTES = 64, 16
_BLOCK = 64
_ROWS_AT_ONCE = 4
_SPAN = GROUP + GROUP * GROUP
_SPARE = GROUP - 1

Gradients: TypeAlias = tuple[
    Shaped[np.ndarray, "batch length column"],
    Float[np.ndarray, "batch way head length"],
    Float[np.ndarray, "batch way tap row"],
    Float[np.ndarray, "batch way row"],
    Float[np.ndarray, "batch way head"],
    Float[np.ndarray, "batch way head"],
    Float[np.ndarray, "batch kept"],
]
"""Of rows, dt, taps, bias, rates, skip and weight."""

_INDEX, _LANE = ir.IntType(64), ir.IntType(32)
_JOINED = ("contract",)
_OPTIONS = {"cache": True, "error_model": "numpy", "nogil": True, "fastmath": {"contract", "reassoc", "nsz", "arcp"}}
_PART = {**_OPTIONS, "forceinline": True}
"""Of what the two kernels call. A function that is not inlined is there more than once, compiled for itself and within
each kernel. Which one is called depends on whether the process compiled it or read it from numba's cache, and as sums
may be taken in another order, so would the last bits."""


class _Rows:
    """An operand: (array, place), or (array, place, number), where the number says how far one row is from the next.

    Args:
        context: numba's.
        builder: Where instructions go.
        kind: The tuple's type.
        value: The tuple.
    """

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        array = context.make_array(kind.types[0])(context, builder, builder.extract_value(value, 0))
        self.data, self.place = array.data, builder.extract_value(value, 1)
        self.number = builder.extract_value(value, 2) if len(kind.types) > 2 else _INDEX(0)


class _Writer:
    """Writes vector instructions.

    Args:
        context: numba's.
        builder: Where instructions go.
        kinds: Types of the intrinsic's arguments, of which the first is `width`; the others are operands.
        given: The arguments.
    """

    def __init__(self, context: Any, builder: Any, kinds: Any, given: Any) -> None:
        number = kinds[1].types[0].dtype
        self.builder, self.lanes = builder, _VECTOR_BYTES // (number.bitwidth // 8)
        self.vector = ir.VectorType(context.get_value_type(number), self.lanes)
        self.vectors, self.zero = len(kinds[0]) * LANES // self.lanes, ir.Constant(self.vector, None)
        self.operands = [_Rows(context, builder, kind, value) for kind, value in zip(kinds[1:], given[1:], strict=True)]

    def loop(self, stop: Any, step: int) -> Any:
        """A loop from 0, as a context that gives the index."""
        return cgutils.for_range_slice(self.builder, _INDEX(0), stop, _INDEX(step), _INDEX)

    def place(self, rows: _Rows, row: int, offset: Any) -> Any:
        """Address of a number of a row."""
        at = self.builder.add(rows.place, self.builder.add(self.builder.mul(rows.number, _INDEX(row)), offset))
        return self.builder.gep(rows.data, [at])

    def load(self, rows: _Rows, row: int, offset: Any) -> Any:
        """A vector of a row."""
        place = self.place(rows, row, offset)
        return self.builder.load(self.builder.bitcast(place, self.vector.as_pointer()), align=4)

    def store(self, value: Any, rows: _Rows, row: int, offset: Any) -> None:
        """A vector, whole or a part of one, into a row."""
        place = self.builder.bitcast(self.place(rows, row, offset), value.type.as_pointer())
        self.builder.store(value, place, align=4)

    def spread(self, rows: _Rows, row: int, offset: Any) -> Any:
        """A number of a row in all lanes."""
        undefined, number = ir.Constant(self.vector, ir.Undefined), self.builder.load(self.place(rows, row, offset))
        return self.repeated(self.builder.insert_element(undefined, number, _LANE(0)), 0)

    def repeated(self, vector: Any, lane: int) -> Any:
        """A lane of a vector in all lanes."""
        lanes = ir.Constant(ir.VectorType(_LANE, self.lanes), [lane] * self.lanes)
        return self.builder.shuffle_vector(vector, ir.Constant(self.vector, ir.Undefined), lanes)

    def variables(self, count: int) -> list[Any]:
        """Vectors that change, zero at first."""
        places = [cgutils.alloca_once(self.builder, self.vector) for _ in range(count)]  # type: ignore[no-untyped-call]
        for place in places:
            self.builder.store(self.zero, place)
        return places

    def add_product(self, total: Any, a: Any, b: Any) -> None:
        """Add `a * b` to a variable."""
        self.builder.store(self.joined(a, b, self.builder.load(total)), total)

    def joined(self, a: Any, b: Any, c: Any) -> Any:
        """`a * b + c`, in one rounding where the processor can."""
        return self.builder.fadd(self.builder.fmul(a, b, flags=_JOINED), c, flags=_JOINED)

    def lane_sums(self, vectors: list[Any]) -> Any:
        """Vector of the sums over the lanes of at most as many vectors as there are lanes; zeros follow.

        First within parts of a vector, which no shuffle has to cross, then over the parts.
        """
        vectors = vectors + [self.zero] * (self.lanes - len(vectors))
        parts = _VECTOR_BYTES // _PART_BYTES
        part = self.lanes // parts
        while len(vectors) > 1:
            unit, window = (1, part) if len(vectors) > parts else (part, self.lanes)
            vectors = [self._pairs_added(a, b, unit, window) for a, b in zip(vectors[::2], vectors[1::2], strict=True)]
        return vectors[0]

    def _pairs_added(self, a: Any, b: Any, unit: int, window: int) -> Any:
        """Neighbours of `unit` lanes added: in every `window` of lanes, those of `a` come first, then those of `b`."""
        firsts = [
            window * at + source + first
            for at in range(self.lanes // window)
            for source in (0, self.lanes)
            for first in range(0, window, 2 * unit)
        ]
        kind = ir.VectorType(_LANE, self.lanes)
        even, odd = (
            self.builder.shuffle_vector(
                a, b, ir.Constant(kind, [first + skip + lane for first in firsts for lane in range(unit)])
            )
            for skip in (0, unit)
        )
        return self.builder.fadd(even, odd)


def _intrinsic(write: Callable[[_Writer], None], kinds: tuple[Any, ...]) -> Any:
    """What an intrinsic returns to numba, of which `write` writes the instructions."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        write(_Writer(context, builder, signature.args, given))
        return context.get_dummy_value()

    return numba.types.void(*kinds), generate


@intrinsic
def _products(_typing: Any, width: Any, a: Any, b: Any, into: Any) -> Any:
    """Scalar products of the rows of a group, `a[k] . b[s]` at place `GROUP * k + s` of `into`; 0 where s > k."""

    def write(writer: _Writer) -> None:
        a, b, into = writer.operands
        products = []
        for k, s in product(range(GROUP), repeat=2):
            total = writer.zero
            for number in range(writer.vectors if s <= k else 0):
                at = _INDEX(number * writer.lanes)
                total = writer.joined(writer.load(a, k, at), writer.load(b, s, at), total)
            products.append(total)
        for first in range(0, len(products), writer.lanes):
            sums = writer.lane_sums(products[first : first + writer.lanes])
            writer.store(sums, into, 0, _INDEX(first))

    return _intrinsic(write, (width, a, b, into))


@intrinsic
def _pass(_typing: Any, width: Any, memory: Any, span: Any, u: Any, left: Any, v: Any, into: Any) -> Any:
    """`into[k] = left[k]^T memory` of a group, and then the memory becomes `whole * memory + sum of w[k] u[k] v[k]^T`.

    `span`, as `_spans` writes it, holds the whole and w.
    """

    def write(writer: _Writer) -> None:
        memory, span, _, _, v, into = writer.operands
        tile, whole = 2 - writer.vectors % 2, writer.spread(span, 0, _INDEX(GROUP - 1))
        with writer.loop(_INDEX(writer.vectors * writer.lanes), tile * writer.lanes) as (first, _):
            columns = [writer.builder.add(first, _INDEX(writer.lanes * number)) for number in range(tile)]
            added, totals = [], []
            for k in range(GROUP):
                weight = writer.spread(span, 0, _INDEX(GROUP * GROUP + k))
                added.append([writer.builder.fmul(weight, writer.load(v, k, column)) for column in columns])
                totals.append(writer.variables(tile))
            with writer.loop(memory.number, _ROWS_AT_ONCE) as (row, _):
                for number in range(_ROWS_AT_ONCE):
                    _pass_row(writer, writer.builder.add(row, _INDEX(number)), columns, whole, added, totals)
            for k in range(GROUP):
                for column, total in zip(columns, totals[k], strict=True):
                    writer.store(writer.builder.load(total), into, k, column)

    return _intrinsic(write, (width, memory, span, u, left, v, into))


def _pass_row(
    writer: _Writer, row: Any, columns: list[Any], whole: Any, added: list[list[Any]], totals: list[list[Any]]
) -> None:
    """What `_pass` does with some columns of one row of the memory."""
    memory, _, u, left, _, _ = writer.operands
    builder, before = writer.builder, writer.builder.mul(row, _INDEX(writer.vectors * writer.lanes))
    places = [builder.add(before, column) for column in columns]
    old = [writer.load(memory, 0, place) for place in places]
    updated = [builder.fmul(whole, value) for value in old]
    for k in range(GROUP):
        of_left, of_u = writer.spread(left, k, row), writer.spread(u, k, row)
        for total, value in zip(totals[k], old, strict=True):
            writer.add_product(total, of_left, value)
        updated = [writer.joined(of_u, one, value) for one, value in zip(added[k], updated, strict=True)]
    for value, place in zip(updated, places, strict=True):
        writer.store(value, memory, 0, place)


@intrinsic
def _see(_typing: Any, width: Any, memory: Any, right: Any, into: Any) -> Any:
    """`into[k] = memory right[k]` of a group."""

    def write(writer: _Writer) -> None:
        memory, right, into = writer.operands
        together = writer.lanes // GROUP
        with writer.loop(memory.number, together) as (first, _):
            totals = [writer.zero] * writer.lanes
            for number in range(writer.vectors):
                column = _INDEX(number * writer.lanes)
                rows = [writer.builder.add(first, _INDEX(row)) for row in range(together)]
                places = [writer.builder.mul(row, _INDEX(writer.vectors * writer.lanes)) for row in rows]
                values = [writer.load(memory, 0, writer.builder.add(place, column)) for place in places]
                rights = [writer.load(right, k, column) for k in range(GROUP)]
                pairs = [(value, one) for one in rights for value in values]
                totals = [writer.joined(*pair, total) for pair, total in zip(pairs, totals, strict=True)]
            sums = writer.lane_sums(totals)
            for k in range(GROUP):
                lanes = ir.Constant(ir.VectorType(_LANE, together), list(range(k * together, (k + 1) * together)))
                part = writer.builder.shuffle_vector(sums, ir.Constant(writer.vector, ir.Undefined), lanes)
                writer.store(part, into, k, first)

    return _intrinsic(write, (width, memory, right, into))


def _finish(*, scales: bool, skips: bool, adds: bool, tells: bool) -> Callable[..., Any]:
    """The rest of a group, `whole[k] = left[k] given[k] + sum over s <= k of mix[k, s] v[s]`, as a function for numba.

    It takes (width, given, span, products, v, into, right, told, scale, skip). `span`, as `_spans` writes it, holds
    what is left and, times the products, the mix. Into `into` goes `whole[k]`, times `scale[k]` if it scales, with
    `skip v[k]` if it skips, and with what was there if it adds. If it tells, `told[k] = whole[k] . right[k]`.
    """

    def write(writer: _Writer) -> None:
        given, span, products, v, into, right, told, scale, skip = writer.operands
        first = _INDEX(0)
        left, mix = [writer.spread(span, 0, _INDEX(k)) for k in range(GROUP)], _mixes(writer, span, products)
        scaling = [writer.spread(scale, k, first) for k in range(GROUP if scales else 0)]
        skipping = writer.spread(skip, 0, first) if skips else writer.zero
        totals = writer.variables(GROUP if tells else 0)
        with writer.loop(_INDEX(writer.vectors * writer.lanes), writer.lanes) as (column, _):
            rows = [writer.load(v, k, column) for k in range(GROUP)]
            for k in range(GROUP):
                whole = writer.builder.fmul(left[k], writer.load(given, k, column))
                for s in range(k + 1):
                    whole = writer.joined(mix[GROUP * k + s], rows[s], whole)
                if tells:
                    writer.add_product(totals[k], whole, writer.load(right, k, column))
                out = writer.builder.fmul(scaling[k], whole) if scales else whole
                out = writer.joined(skipping, rows[k], out) if skips else out
                out = writer.builder.fadd(writer.load(into, k, column), out) if adds else out
                writer.store(out, into, k, column)
        sums = writer.lane_sums([writer.builder.load(total) for total in totals])
        for k in range(len(totals)):
            number = writer.builder.extract_element(sums, _LANE(k))
            writer.builder.store(number, writer.place(told, k, first))

    def typed(_typing: Any, width: Any, given: Any, span: Any, products: Any, v: Any, into: Any, right: Any, told: Any, scale: Any, skip: Any) -> Any:  # fmt: skip  # noqa: E501
        return _intrinsic(write, (width, given, span, products, v, into, right, told, scale, skip))

    return intrinsic(typed)


def _mixes(writer: _Writer, span: _Rows, products: _Rows) -> list[Any]:
    """The mix of a group, each number in all lanes."""
    mix = []
    for first in range(0, GROUP * GROUP, writer.lanes):
        factors = writer.load(span, 0, _INDEX(GROUP + first)), writer.load(products, 0, _INDEX(first))
        vector = writer.builder.fmul(*factors)
        mix += [writer.repeated(vector, lane) for lane in range(writer.lanes)]
    return mix


_put_output = _finish(scales=False, skips=True, adds=True, tells=False)
_put_dc = _finish(scales=False, skips=False, adds=True, tells=True)
_put_db = _finish(scales=True, skips=False, adds=True, tells=False)
_put_dx = _finish(scales=True, skips=True, adds=False, tells=True)


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


@numba.njit(**_PART)
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


@numba.njit(**_PART)
@no_type_check
def _read(row, into):
    """A row of a batch's array as numbers, at the beginning of a row that may be longer."""
    for c in range(len(row)):
        into[c] = _number(row[c])


@numba.njit(**_PART)
@no_type_check
def _write(row, into):
    """The beginning of a row of numbers into a row of a batch's array."""
    for c in range(len(into)):
        into[c] = _entry(into, row[c])


@numba.njit(**_PART)
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
    mixed[steps : steps + _SPARE] = 0
    return steps


@numba.njit(**_PART)
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


@numba.njit(**_PART)
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


@numba.njit(**_PART)
@no_type_check
def _decays(dt, rates, decay):
    """What each head (H) keeps of its memory in each step: (H, L), whole groups; all of it after the last step."""
    length = dt.shape[1]
    for h in range(len(rates)):
        for t in range(length):
            decay[h, t] = _exp(dt[h, t] * rates[h])
        decay[h, length:] = 1


@numba.njit(**_PART)
@no_type_check
def _spans(decay, weight, spans):
    """For each group of each head (H, L), in the order of its steps, what is left of what: (H, groups * _SPAN).

    First, by k, of what there was before the group, after step k; then, by k and s, of what step s gives, times its
    weight. So the last row is what remains of each after the group.
    """
    for h in range(len(spans)):
        for t in range(0, decay.shape[1], GROUP):
            span = t // GROUP * _SPAN
            for k in range(GROUP):
                left = weight.dtype.type(1)
                for s in range(GROUP - 1, -1, -1):
                    spans[h, span + GROUP * (k + 1) + s] = left * weight[h, t + s] if s <= k else 0
                    if s <= k:
                        left *= decay[h, t + s]
                spans[h, span + k] = left


@numba.njit(**_PART)
@no_type_check
def _scan(width, states, mixed, begin, steps, spans, skip, back, memory, summed):
    """Adds a block's output of the recurrence and of the skip, in one direction, to `summed` (L and spare rows, I*)."""
    heads, state, columns = memory.shape
    row, kept, length, whole = mixed.shape[1], summed.shape[1], len(summed) - 2 * _SPARE, spans.shape[1]
    along, kind = -kept if back else kept, mixed.dtype
    products, given = np.empty(_BLOCK * GROUP, kind), np.empty((GROUP, columns), kind)
    for i in range(0, steps, GROUP):
        b = i * row + heads * columns
        _products(states, (mixed, b + state, row), (mixed, b, row), (products, i * GROUP))
    for h in range(heads):
        for i in range(0, steps, GROUP):
            t, x, b = begin + i, i * row + h * columns, i * row + heads * columns
            y, span = (
                (_SPARE + (length - 1 - t if back else t)) * kept + h * columns,
                (spans, h * whole + t // GROUP * _SPAN),
            )
            held, v, out = (memory, h * state * columns, state), (mixed, x, row), (given, 0, columns)
            _pass(width, held, span, (mixed, b, row), (mixed, b + state, row), v, out)
            _put_output(width, out, span, (products, i * GROUP), v, (summed, y, along), out, out, out, (skip, h))


@numba.njit(**_PART)
@no_type_check
def _look_back(width, states, mixed, begin, steps, spans, back, memory, dsummed, dc, sums):
    """The first pass over a block: adds the gradient of c (L, N), writes `c . dc` of each head (H, L)."""
    heads, columns, state = memory.shape
    row, kept, length, whole = mixed.shape[1], dsummed.shape[1], len(dsummed) - 2 * _SPARE, spans.shape[1]
    along, kind = -kept if back else kept, mixed.dtype
    products, given = np.empty(GROUP * GROUP, kind), np.empty((GROUP, state), kind)
    for h in range(heads):
        for i in range(0, steps, GROUP):
            t, x, b = begin + i, i * row + h * columns, i * row + heads * columns
            y, span = (
                (_SPARE + (length - 1 - t if back else t)) * kept + h * columns,
                (spans, h * whole + t // GROUP * _SPAN),
            )
            inputs, dy, v, out = (mixed, x, row), (dsummed, y, along), (mixed, b, row), (given, 0, state)
            _products(width, dy, inputs, (products, 0))
            _pass(states, (memory, h * state * columns, columns), span, inputs, dy, v, out)
            into, right, told = (dc, t * state, state), (mixed, b + state, row), (sums, h * sums.shape[1] + t, 1)
            _put_dc(states, out, span, (products, 0), v, into, right, told, out, out)


@numba.njit(**_PART)
@no_type_check
def _go_back(
    width,
    states,
    mixed,
    begin,
    steps,
    dt,
    decay,
    spans,
    rates,
    skip,
    back,
    memory,
    before,
    dsummed,
    dmixed,
    sums,
    ddt,
    drates,
    dskip,
):
    """The second pass over a block, from its end: writes the gradients of x and dt, adds those of b, rates and skip.

    `memory` (H, P, N) is the gradient of the state after the block and is brought to its beginning, `before` the state
    there. `sums` holds what the first pass has written, and then the gradient of the logarithm of each decay.
    """
    heads, columns, state = memory.shape
    row, kept, length, whole = mixed.shape[1], dsummed.shape[1], len(dsummed) - 2 * _SPARE, spans.shape[1]
    along, after, kind = kept if back else -kept, begin + steps, mixed.dtype
    products, between = np.empty(_BLOCK * GROUP, kind), np.empty(_BLOCK * GROUP, kind)
    given, seen = np.empty((GROUP, state), kind), np.empty((GROUP, columns), kind)
    told = np.empty(_BLOCK, kind)
    last = -(-steps // GROUP) * GROUP - 1
    for i in range(last, 0, -GROUP):
        b = i * row + heads * columns
        _products(states, (mixed, b, -row), (mixed, b + state, -row), (products, (last - i) * GROUP))
    for h in range(heads):
        for i in range(last, 0, -GROUP):
            t, x, b = begin + i, i * row + h * columns, i * row + heads * columns
            y = (_SPARE + (length - 1 - t if back else t)) * kept + h * columns
            inputs, dy, right, v = (mixed, x, -row), (dsummed, y, along), (mixed, b, -row), (mixed, b + state, -row)
            held, out, out_x = (memory, h * state * columns, columns), (given, 0, state), (seen, 0, columns)
            span, step = (spans, (h + 1) * whole - (t // GROUP + 1) * _SPAN), (dt, h * dt.shape[1] + t, -1)
            of_b, of_x = (between, (last - i) * GROUP), (products, (last - i) * GROUP)
            _products(width, inputs, dy, of_b)
            _see(states, held, right, out_x)
            _pass(states, held, span, dy, inputs, v, out)
            _put_db(states, out, span, of_b, v, (dmixed, b, -row), out, out, step, out)
            _put_dx(width, out_x, span, of_x, dy, (dmixed, x, -row), inputs, (told, i, -1), step, (skip, h))
        for i in range(last + 1):
            dskip[h] += between[i * GROUP + i % GROUP]
        running = np.float64(sums[h, after]) if after < length else 0.0
        for i in range(steps - 1, -1, -1):
            running += np.float64(sums[h, begin + i]) - np.float64(dt[h, begin + i] * told[i])
            sums[h, begin + i] = running
        sums[h, begin] = decay[h, begin] * _product(memory[h], before[h])
        for i in range(steps):
            ddt[h, begin + i] = told[i] + sums[h, begin + i] * rates[h]
            drates[h] += sums[h, begin + i] * dt[h, begin + i]


@numba.njit(**_PART)
@no_type_check
def _product(a, b):
    total = 0.0
    for n in range(a.shape[0]):
        for p in range(a.shape[1]):
            total += np.float64(a[n, p]) * np.float64(b[n, p])
    return total


@numba.njit(**_PART)
@no_type_check
def _direction_back(width, states, rows, inner, state, weights, dt, back, dsummed, dinputs, ddt, gradients):
    """Gradients of one direction of one window, by two passes over its blocks."""
    (taps, bias, rates, skip), (dtaps, dbias, drates, dskip) = weights, gradients
    kind, length, row, used = taps.dtype, len(rows), taps.shape[1], inner + 2 * state
    heads, blocks, groups = len(rates), -(-length // _BLOCK), -(-length // GROUP)
    inputs, mixed = np.zeros((_BLOCK + TAPS - 1, row), kind), np.empty((_BLOCK, row), kind)
    dmixed, dc = np.zeros((_BLOCK + TAPS - 1, row), kind), np.zeros((groups * GROUP, state), kind)
    decay, sums = np.empty((heads, groups * GROUP), kind), np.empty((heads, groups * GROUP), kind)
    spans, even = np.empty((heads, groups * _SPAN), kind), np.zeros((heads, groups * GROUP), kind)
    memory = np.zeros((heads, inner // heads, state), kind)
    before = np.empty((blocks, *memory.shape), kind)
    even[:, :length] = dt
    _decays(dt, rates, decay)
    _spans(decay, even, spans)
    for k in range(blocks):
        before[k] = memory
        steps = _convolve(rows, inner, used, taps, bias, back, k * _BLOCK, inputs, mixed)
        _look_back(width, states, mixed, k * _BLOCK, steps, spans, back, memory, dsummed, dc, sums)
    memory[:] = 0
    following = np.ones_like(decay)
    following[:, 1:] = decay[:, :0:-1]
    _spans(following, np.ones_like(decay), spans)
    for k in range(blocks - 1, -1, -1):
        begin, later = k * _BLOCK, dmixed[: TAPS - 1].copy()
        steps = _convolve(rows, inner, used, taps, bias, back, begin, inputs, mixed)
        dmixed[:_BLOCK, inner : inner + state] = 0
        dmixed[steps : steps + TAPS - 1] = later
        dmixed[:steps, inner + state : used] = dc[begin : begin + steps]
        _go_back(
            width,
            states,
            mixed,
            begin,
            steps,
            even,
            decay,
            spans,
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
def forward(
    width: tuple[int, ...],
    states: tuple[int, ...],
    rows: Shaped[np.ndarray, "batch length column"],
    dt: Float[np.ndarray, "batch way head length"],
    taps: Float[np.ndarray, "way tap row"],
    bias: Float[np.ndarray, "way row"],
    rates: Float[np.ndarray, "way head"],
    skip: Float[np.ndarray, "way head"],
    weight: Float[np.ndarray, " kept"],
    floor: np.floating,
    inner: int,
    state: int,
    summed: Shaped[np.ndarray, "batch length inner"],
    out: Shaped[np.ndarray, "batch length inner"],
    first: int,
    stop: int,
):
    """Windows `first` to `stop` of a batch: both directions of `_scan` into `summed`, gated and normalised into `out`.

    `width` and `states` have an entry for every `LANES` columns of a head and numbers of the state. The raw step sizes
    in the projection, `rows`, are not looked at; `dt` has each direction in its own order of time; `taps`, `bias` and
    `weight` are padded; `floor` is added to the mean square.
    """
    kind, length, row, kept, heads = taps.dtype, rows.shape[1], taps.shape[2], len(weight), rates.shape[1]
    groups = -(-length // GROUP)
    inputs, mixed = np.zeros((_BLOCK + TAPS - 1, row), kind), np.empty((_BLOCK, row), kind)
    both, decay = np.empty((length + 2 * _SPARE, kept), kind), np.empty((heads, groups * GROUP), kind)
    spans, even = np.empty((heads, groups * _SPAN), kind), np.zeros((heads, groups * GROUP), kind)
    memory, z = np.empty((heads, state, inner // heads), kind), np.zeros(kept, kind)
    for w in range(first, stop):
        both[:] = 0
        for d in range(len(taps)):
            memory[:] = 0
            even[:, :length] = dt[w, d]
            _decays(dt[w, d], rates[d], decay)
            _spans(decay, even, spans)
            for begin in range(0, length, _BLOCK):
                steps = _convolve(rows[w], inner, inner + 2 * state, taps[d], bias[d], d == 1, begin, inputs, mixed)
                _scan(width, states, mixed, begin, steps, spans, skip[d], d == 1, memory, both)
        for t in range(length):
            y, squares = both[_SPARE + t], floor * np.float32(0)
            _read(rows[w, t, :inner], z)
            _write(y, summed[w, t])
            for i in range(kept):
                y[i] *= z[i] * _sigmoid(z[i])
                squares += y[i] * y[i]
            scale = np.float32(1) / np.sqrt(squares / np.float32(inner) + floor)
            for i in range(kept):
                y[i] *= scale * weight[i]
            _write(y, out[w, t])


@numba.njit(**_PART)
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
        dy, squares, along = dsummed[_SPARE + t], floor * np.float32(0), floor * np.float32(0)
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
    width: tuple[int, ...],
    states: tuple[int, ...],
    rows: Shaped[np.ndarray, "batch length column"],
    dt: Float[np.ndarray, "batch way head length"],
    taps: Float[np.ndarray, "way tap row"],
    bias: Float[np.ndarray, "way row"],
    rates: Float[np.ndarray, "way head"],
    skip: Float[np.ndarray, "way head"],
    weight: Float[np.ndarray, " kept"],
    floor: np.floating,
    inner: int,
    state: int,
    summed: Shaped[np.ndarray, "batch length inner"],
    dout: Shaped[np.ndarray, "batch length inner"],
    gradients: Gradients,
    first: int,
    stop: int,
):
    """Gradients of `forward`, from that of its result, `dout` (B, L, I).

    Those of rows and dt are written; those of taps, bias, rates, skip and weight, with the batch before their shape,
    are added to what is there.
    """
    drows, ddt, dtaps, dbias, drates, dskip, dweight = gradients
    length, kept, used = rows.shape[1], len(weight), inner + 2 * state
    dinputs = np.empty((length, taps.shape[2]), taps.dtype)
    dsummed = np.zeros((length + 2 * _SPARE, kept), taps.dtype)
    for w in range(first, stop):
        _gate_back(rows[w], summed[w], weight, floor, inner, dout[w], drows[w], dsummed, dweight[w])
        for d in range(len(taps)):
            weights = (taps[d], bias[d], rates[d], skip[d])
            of_weights = (dtaps[w, d], dbias[w, d], drates[w, d], dskip[w, d])
            _direction_back(
                width, states, rows[w], inner, state, weights, dt[w, d], d == 1, dsummed, dinputs, ddt[w, d], of_weights
            )
        for t in range(length):
            _write(dinputs[t], drows[w, t, inner : inner + used])

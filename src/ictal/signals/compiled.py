"""The compiled kernel (numba): `kernels.Scipy` with eight channels abreast in one vector register.

Importing this module takes about half a second; `kernels.named` does it when it is asked for. What is compiled is kept
on disk for every later process. No `fastmath`: it would change the last bits. What numba does not put into vectors by
itself is written in LLVM's own words: `_together`, whose slow twin is scipy's `sosfilt`, and `_take` and `_give`, which
turn eight channels by eight samples between rows of channels and columns of time.
"""

from __future__ import annotations

from typing import Any, no_type_check

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from ictal.signals.recorded import Microvolts, Recorded
from ictal.signals.units import FULL_SCALE, Samples

LANES = 8
_TILE = 256  # time steps that stay in the core's first cache while all sections run over them

_INDEX = ir.IntType(64)
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_PLACES = ir.VectorType(ir.IntType(32), LANES)


class Compiled:
    """See `kernels.Kernel`."""

    def less(self, chunk: Recorded, first_uv: Microvolts, out: Microvolts, column: int) -> None:
        """See `kernels.Kernel`."""
        samples = chunk.samples_per_record
        _less(chunk.words, chunk.first_words, samples, chunk.gain_uv, chunk.offset_uv, first_uv[:, 0], out, column)

    def filtered(self, signal: npt.NDArray[np.floating], sections: Samples, state: Samples) -> Samples:
        """See `kernels.Kernel`."""
        out = np.empty(signal.shape)
        _cascade(signal, np.ascontiguousarray(sections), state, out)
        return out

    def quantise(self, signal: Samples, uv_per_unit: float, out: npt.NDArray[np.int16]) -> npt.NDArray[np.int64]:
        """See `kernels.Kernel`."""
        clipped = np.zeros(len(signal), dtype=np.int64)
        for channel, (row, units) in enumerate(zip(signal, out, strict=True)):
            clipped[channel] = _round(row, uv_per_unit, units)
        return clipped

    def units(
        self, signal: npt.NDArray[np.float32], sections: Samples, state: Samples, uv: float, out: npt.NDArray[np.int16]
    ) -> npt.NDArray[np.int64]:
        """See `kernels.Kernel`."""
        assert signal.dtype == np.float32, signal.dtype
        if signal.strides[1] != signal.itemsize:
            signal = np.ascontiguousarray(signal)
        clipped = np.zeros(len(signal), dtype=np.int64)
        _units(signal, np.ascontiguousarray(sections), state, uv, out, clipped)
        return clipped


def _together(count: int) -> Any:
    """So many sections, one after the other, on eight channels in place; what they remember stays in registers.

    Each does y = b0 x + z0, z0 = b1 x - a1 y + z1, z1 = b2 x - a2 y. Four at once wait for none of their sums: while
    one is at time t, the processor has the one before it at t + 1.
    """

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        tile, steps, sections, first, state = given
        kinds = zip((signature.args[0], signature.args[2], signature.args[4]), (tile, sections, state), strict=True)
        values, coefficients, z = (context.make_array(kind)(context, builder, array).data for kind, array in kinds)
        numbers = [builder.add(first, _INDEX(k)) for k in range(count)]
        b_a = [
            [_in_all_lanes(builder, _place(builder, coefficients, s, 6, k)) for k in (0, 1, 2, 4, 5)] for s in numbers
        ]
        places = [[_place(builder, z, s, 2 * LANES, k) for k in (0, LANES)] for s in numbers]
        held = [[_register(builder, _load(builder, place)) for place in pair] for pair in places]
        with cgutils.for_range(builder, steps) as loop:
            row = _place(builder, values, loop.index, LANES, 0)
            x = _load(builder, row)
            for (b0, b1, b2, a1, a2), (z0, z1) in zip(b_a, held, strict=True):
                y = builder.fadd(builder.fmul(b0, x), builder.load(z0))
                following = builder.fsub(builder.fmul(b1, x), builder.fmul(a1, y))
                builder.store(builder.fadd(following, builder.load(z1)), z0)
                builder.store(builder.fsub(builder.fmul(b2, x), builder.fmul(a2, y)), z1)
                x = y
            _store(builder, x, row)
        for place, register in ((p, r) for pair in zip(places, held, strict=True) for p, r in zip(*pair, strict=True)):
            _store(builder, builder.load(register), place)
        return context.get_dummy_value()

    @intrinsic
    def run(_typing: Any, tile: Any, steps: Any, sections: Any, first: Any, state: Any) -> Any:
        return numba.types.void(tile, steps, sections, first, state), generate

    return run


_one, _two, _four = _together(1), _together(2), _together(4)


@intrinsic
def _take(_typing: Any, signal: Any, channel: Any, sample: Any, tile: Any, t: Any) -> Any:
    """Eight samples of the channels from `channel` on, the last one again and again past the end, as eight columns."""
    arguments = (signal, channel, sample, tile, t)

    def generate(context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        array = context.make_array(signal)(context, builder, given[0])
        last = builder.sub(builder.extract_value(array.shape, 0), _INDEX(1))
        stride = builder.extract_value(array.strides, 0)
        data, begin = builder.bitcast(array.data, ir.IntType(8).as_pointer()), builder.mul(given[2], _INDEX(4))
        rows = []
        for lane in range(LANES):
            row = builder.add(given[1], _INDEX(lane))
            row = builder.select(builder.icmp_signed("<", row, last), row, last)
            place = builder.gep(data, [builder.add(builder.mul(row, stride), begin)])
            floats = builder.load(builder.bitcast(place, _FLOATS.as_pointer()), align=4)
            rows.append(builder.fpext(floats, _VECTOR))
        out = context.make_array(tile)(context, builder, given[3]).data
        for step, column in enumerate(_turned(builder, rows)):
            _store(builder, column, _place(builder, out, builder.add(given[4], _INDEX(step)), LANES, 0))
        return context.get_dummy_value()

    return numba.types.void(*arguments), generate


@intrinsic
def _give(_typing: Any, tile: Any, t: Any, rows: Any) -> Any:
    """Eight columns of the tile as eight samples of every row, each as long as the tile."""
    arguments = (tile, t, rows)

    def generate(context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        data, out = (context.make_array(kind)(context, builder, given[at]).data for at, kind in ((0, tile), (2, rows)))
        steps = [builder.add(given[1], _INDEX(step)) for step in range(LANES)]
        columns = [_load(builder, _place(builder, data, step, LANES, 0)) for step in steps]
        for lane, row in enumerate(_turned(builder, columns)):
            _store(builder, row, builder.gep(out, [builder.add(_INDEX(lane * _TILE), given[1])]))
        return context.get_dummy_value()

    return numba.types.void(*arguments), generate


def _turned(builder: Any, vectors: list[Any]) -> list[Any]:
    """Eight vectors of eight, rows for columns: halves of pairs 1, 2 and 4 apart change places."""
    for apart in (1, 2, 4):
        turned = list(vectors)
        first = [k + LANES - apart if k & apart else k for k in range(LANES)]
        second = [k + LANES if k & apart else k + apart for k in range(LANES)]
        for one in (k for k in range(LANES) if not k & apart):
            pair = vectors[one], vectors[one + apart]
            turned[one] = builder.shuffle_vector(*pair, ir.Constant(_PLACES, first))
            turned[one + apart] = builder.shuffle_vector(*pair, ir.Constant(_PLACES, second))
        vectors = turned
    return vectors


def _place(builder: Any, data: Any, row: Any, width: int, column: int) -> Any:
    """Address of `data[row * width + column]`."""
    return builder.gep(data, [builder.add(builder.mul(row, _INDEX(width)), _INDEX(column))])


def _load(builder: Any, place: Any) -> Any:
    return builder.load(builder.bitcast(place, _VECTOR.as_pointer()), align=8)


def _store(builder: Any, vector: Any, place: Any) -> None:
    builder.store(vector, builder.bitcast(place, _VECTOR.as_pointer()), align=8)


def _register(builder: Any, vector: Any) -> Any:
    """A variable that LLVM keeps in a register."""
    return cgutils.alloca_once_value(builder, vector)  # type: ignore[no-untyped-call]


def _in_all_lanes(builder: Any, place: Any) -> Any:
    undefined, first = ir.Constant(_VECTOR, ir.Undefined), ir.IntType(32)(0)
    one = builder.insert_element(undefined, builder.load(place), first)
    return builder.shuffle_vector(one, undefined, ir.Constant(_PLACES, [0] * LANES))


@numba.njit(cache=True, error_model="numpy", nogil=True)
@no_type_check
def _less_in_record(words, gain_uv, offset_uv, first_uv, out):
    for t in range(len(words)):
        out[t] = np.float32(words[t]) * gain_uv + offset_uv - first_uv


@numba.njit(cache=True, error_model="numpy", nogil=True)
@no_type_check
def _less(words, first_words, samples, gain_uv, offset_uv, first_uv, out, column):
    for channel, begin in enumerate(first_words):
        gain, offset, first = gain_uv[channel], offset_uv[channel], first_uv[channel]
        for record in range(len(words)):
            start = column + record * samples
            place = out[channel, start : start + samples]
            _less_in_record(words[record, begin : begin + samples], gain, offset, first, place)


@numba.njit(cache=True, error_model="numpy", nogil=True)
@no_type_check
def _filter(tile, steps, sections, z):
    done = 0
    while len(sections) - done >= 4:
        _four(tile, steps, sections, done, z)
        done += 4
    if len(sections) - done >= 2:
        _two(tile, steps, sections, done, z)
        done += 2
    if done < len(sections):
        _one(tile, steps, sections, done, z)


@numba.njit(cache=True, error_model="numpy", nogil=True)
@no_type_check
def _cascade(signal, sections, state, out):
    channels, samples = signal.shape
    tile, z = np.zeros((_TILE, LANES)), np.zeros((len(sections), 2, LANES))
    for group in range(0, channels, LANES):
        lanes = min(LANES, channels - group)
        for lane in range(lanes):
            z[:, :, lane] = state[group + lane]
        for begin in range(0, samples, _TILE):
            steps = min(_TILE, samples - begin)
            for lane in range(lanes):
                for t in range(steps):
                    tile[t, lane] = signal[group + lane, begin + t]
            _filter(tile, steps, sections, z)
            for lane in range(lanes):
                for t in range(steps):
                    out[group + lane, begin + t] = tile[t, lane]
        for lane in range(lanes):
            state[group + lane] = z[:, :, lane]


@numba.njit(cache=True, error_model="numpy", nogil=True)
@no_type_check
def _round(signal, uv_per_unit, out):
    clipped = 0
    for t in range(len(signal)):
        units = np.rint(signal[t] / uv_per_unit)
        clipped += abs(units) > FULL_SCALE
        out[t] = np.int16(min(max(units, -FULL_SCALE), FULL_SCALE))
    return clipped


@numba.njit(cache=True, error_model="numpy", nogil=True)
@no_type_check
def _units(signal, sections, state, uv_per_unit, out, clipped):
    channels, samples = signal.shape
    tile, z = np.zeros((_TILE, LANES)), np.zeros((len(sections), 2, LANES))
    rows = np.zeros((LANES, _TILE))
    for group in range(0, channels, LANES):
        lanes = min(LANES, channels - group)
        for lane in range(lanes):
            z[:, :, lane] = state[group + lane]
        for begin in range(0, samples, _TILE):
            steps = min(_TILE, samples - begin)
            whole = steps // LANES * LANES
            for t in range(0, whole, LANES):
                _take(signal, group, begin + t, tile, t)
            for t in range(whole, steps):
                for lane in range(lanes):
                    tile[t, lane] = signal[group + lane, begin + t]
            _filter(tile, steps, sections, z)
            for t in range(0, steps, LANES):
                _give(tile, t, rows)
            for lane in range(lanes):
                units = out[group + lane][begin : begin + steps]
                clipped[group + lane] += _round(rows[lane][:steps], uv_per_unit, units)
        for lane in range(lanes):
            state[group + lane] = z[:, :, lane]

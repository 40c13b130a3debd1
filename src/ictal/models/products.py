"""Linear maps, on a processor by oneDNN, in true float32.

torch computes `linear` in float32 with MKL, which on AMD processors leaves half of a core unused; its convolutions, and
everything in bfloat16, go through oneDNN, which does not. So a linear map is written as what it also is, a convolution
of one tap over images whose channels are the columns. torch hands such a convolution to oneDNN from 16 images on; were
that to change, or torch to be without oneDNN, the numbers would stay and only the speed would go. A graph that is
exported or compiled holds the linear map as such.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_IMAGES = 16


def linear(rows: Tensor, weight: Tensor) -> Tensor:
    """`rows` (..., K) times the transpose of `weight` (M, K): (..., M)."""
    if not on_processor(rows):
        return functional.linear(rows, weight)
    flat = rows.reshape(-1, rows.shape[-1])
    count, missing = len(flat), -len(flat) % _IMAGES
    even = functional.pad(flat, (0, 0, 0, missing)) if missing else flat
    images = even.view(_IMAGES, 1, -1, even.shape[-1]).permute(0, 3, 1, 2)
    product = functional.conv2d(images, weight[:, :, None, None]).permute(0, 2, 3, 1).flatten(0, 2)
    return (product[:count] if missing else product).view(*rows.shape[:-1], len(weight))


def on_processor(values: Tensor) -> bool:
    """Whether a processor computes with the values, and no graph is being made of what is done with them."""
    return values.device.type == "cpu" and not torch.compiler.is_compiling()

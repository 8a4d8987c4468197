"""Precision: bfloat16 halves the time of matrix products, but only on processors that have instructions for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "bfloat16", "float32"]
"""`auto`: bfloat16 where the processor has instructions for it (AVX-512, AMX, ARMv8.6), else float32, which is some
hundred times as quick there. Part of the result: name one of the two for the same arithmetic on every machine."""


def type_of(precision: Precision) -> torch.dtype:
    """The type of matrix products on this machine's processor."""
    import torch

    if precision == "auto":
        precision = "bfloat16" if _has_bfloat16() else "float32"
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def _has_bfloat16() -> bool:
    """What torch itself asks before it hands a product to oneDNN; without oneDNN it multiplies number by number."""
    import torch

    known = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return bool(known and torch.ops.mkldnn._is_mkldnn_bf16_supported())

"""Precision: bfloat16 halves the time of matrix products, but only on processors that have instructions for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "bfloat16", "float32"]
"""`auto`: bfloat16 where the processor multiplies it itself (AVX-512 BF16, AMX, ARMv8.6), else float32, which is two to
four times as quick where AVX-512 alone has to imitate it, and a hundred times as quick below that. Part of the result:
name one of the two for the same arithmetic on every machine."""


def type_of(precision: Precision) -> torch.dtype:
    """The type of matrix products on this machine's processor."""
    import torch

    if precision == "auto":
        precision = "bfloat16" if _has_bfloat16() else "float32"
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def _has_bfloat16() -> bool:
    """What oneDNN can do at all is not enough: on x86 it imitates bfloat16 where there is AVX-512, and that is slow."""
    import torch

    found = torch.cpu.get_capabilities()
    if found["architecture"] == "x86_64":
        return bool(found["avx512_bf16"] or found["amx_bf16"])
    known = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return bool(known and torch.ops.mkldnn._is_mkldnn_bf16_supported())

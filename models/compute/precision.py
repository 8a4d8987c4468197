"""Precision: bfloat16 halves the time of matrix products, but only on processors with instructions for it."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Exact = Literal["bfloat16", "float32"]
Precision = Literal["auto", "bfloat16", "float32"]
"""`auto`: bfloat16 on processors with native instructions (AVX-512 BF16, AMX, ARMv8.6), else float32. Emulated bfloat16
is two to four times slower than float32 with AVX-512 alone, and a hundred times slower without. The precision affects
the result: models/compute/resolved.py records it. Set one of the two for the same arithmetic on every machine."""

CPUINFO = Path("/proc/cpuinfo")


def resolve(precision: Precision) -> Exact:
    """The actual precision on this machine's processor: resolves `auto`."""
    if precision == "auto":
        return "bfloat16" if _has_bfloat16() else "float32"
    return precision


def type_of(precision: Precision) -> torch.dtype:
    """The dtype of matrix products on this machine's processor."""
    import torch

    return torch.bfloat16 if resolve(precision) == "bfloat16" else torch.float32


def _has_bfloat16() -> bool:
    """Whether the processor has native bfloat16 instructions.

    oneDNN's support is not enough: on x86 with AVX-512 it emulates bfloat16, which is slow. On Linux the kernel lists
    the instructions, which saves `recops run` the import of torch (two seconds).
    """
    if platform.machine() in ("x86_64", "AMD64") and CPUINFO.is_file():
        return bool(_flags(CPUINFO.read_text(encoding="utf-8", errors="replace")) & {"avx512_bf16", "amx_bf16"})
    import torch

    capabilities = torch.cpu.get_capabilities()
    if capabilities["architecture"] == "x86_64":
        return bool(capabilities["avx512_bf16"] or capabilities["amx_bf16"])
    available = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return bool(available and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _flags(cpuinfo: str) -> set[str]:
    """Instruction-set flags of the first processor in the text of /proc/cpuinfo."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    return next((set(value.split()) for key, _, value in lines if key.strip() == "flags"), set())

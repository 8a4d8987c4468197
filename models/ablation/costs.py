"""Costs of a part: tokens, milliseconds of a request, bytes; counted rather than measured, so that runs agree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.ablation.ablate_params import Worth

PRODUCTS_A_MS = 1_000_000  # multiplications and additions in a millisecond of one core, as the service's kernels do
FLOAT_BYTES = 4


@dataclass(frozen=True)
class Cost:
    """tokens: of a language server so far; milliseconds: of one request; bytes: in a bundle."""

    tokens: int = 0
    milliseconds: float = 0.0
    bytes: int = 0

    def price(self, worth: Worth) -> float:
        """The lift, in percent, for which these costs may be paid; the shares of all three add up."""
        return self.tokens / worth.tokens + self.milliseconds / worth.milliseconds + self.bytes / worth.bytes


def milliseconds_of(n_products: float) -> float:
    """Processor time of so many multiplications and additions, rounded to a microsecond."""
    return round(n_products / PRODUCTS_A_MS, 3)


def bytes_of(folder: Path) -> int:
    """Size of all files of a folder."""
    return sum(path.stat().st_size for path in sorted(folder.rglob("*")) if path.is_file())

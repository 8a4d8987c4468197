"""LightGBM without scikit-learn, whose import takes three quarters of a second and which only its wrappers need."""

from __future__ import annotations

import sys
from typing import Any

from features.repo.absent import absent


def lightgbm() -> Any:
    """The package `lightgbm`; of its scikit-learn wrappers no use is made."""
    if "lightgbm" not in sys.modules:
        with absent("sklearn"):
            import lightgbm as package
    import lightgbm as package  # noqa: F811

    return package

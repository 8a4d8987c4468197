"""`make install` compiles every kernel that the retrievers train with."""

from __future__ import annotations

from pathlib import Path

from infra.compile_kernels import COMPILED, main

ROOT = Path(__file__).parents[2]


def test_every_retriever_with_a_kernel_is_compiled() -> None:
    kernels = {path.stem for path in (ROOT / "models/retrieval").glob("*.py") if "numba" in path.read_text()}
    users = {
        path.stem
        for path in (ROOT / "models/retrievers").glob("*.py")
        if any(f"models.retrieval.{kernel} " in path.read_text() for kernel in kernels)
    }
    assert kernels
    assert users == set(COMPILED)


def test_a_fit_afterwards_compiles_nothing_more() -> None:
    from models.retrieval.least_squares import solve_rows
    from models.retrieval.transitions import _add

    main()
    before = [kernel.signatures for kernel in (solve_rows, _add)]
    assert all(len(signatures) == 1 for signatures in before)
    main()
    assert [kernel.signatures for kernel in (solve_rows, _add)] == before

#!/usr/bin/env bash
# Writes requirements.lock for Python 3.11 and 3.12. torch is written without its local version (a machine without the
# CPU wheel could not install "+cpu"), and what only its CUDA build needs is left for that build to bring along.
set -euo pipefail
venv=$1
links=${UV_FIND_LINKS:-${PIP_FIND_LINKS:-}}
if [ -n "$links" ]; then export UV_FIND_LINKS=$links; fi
"$venv/bin/uv" pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
    --quiet --no-header --no-annotate --output-file requirements.lock.new
{
    echo "# written by 'make lock' from pyproject.toml; do not edit"
    grep -vE '^(nvidia-(cu|nccl|nv)[a-z0-9-]*|triton|cuda-[a-z]+|torch)==' requirements.lock.new
    echo "torch==2.13.0"
} > requirements.lock
rm requirements.lock.new
"$venv/bin/python" infra/bento_pins.py

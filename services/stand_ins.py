"""Stand-ins for parts of BentoML that no worker uses, so that a worker need not import what they import."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

# module → what BentoML's service and server take from it
UNUSED = {
    # services that are another program, and BentoML's own supervisor: aiohttp, pyparsing, circus, zmq
    "_bentoml_impl.server.proxy": ("create_proxy_app",),
    "_bentoml_impl.server.serving": ("serve_http",),
    # uploads to BentoCloud: httpx_ws, wsproto, some hundred schemas
    "bentoml._internal.cloud": (),
    "bentoml._internal.cloud.client": ("RestApiClient",),
    "bentoml._internal.cloud.schemas": (),
    "bentoml._internal.cloud.schemas.modelschemas": ("LabelItemSchema", "ModelManifestSchema"),
    "bentoml._internal.cloud.schemas.schemasv1": ("CreateModelSchema",),
}


CLIENT = "_bentoml_impl.client"  # aiohttp, httpx, rich


class NoClient:
    """In the place of the client with which BentoML lets a service call itself over HTTP; nothing here does.

    It is false, and so BentoML takes the service's own methods.
    """

    to_async = to_sync = None

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __bool__(self) -> bool:
        return False

    async def __aenter__(self) -> NoClient:
        return self

    async def close(self) -> None: ...


@contextmanager
def stand_ins() -> Iterator[None]:
    """Empty modules while BentoML is imported; whoever imports one of them afterwards gets the real one.

    That of the client stays: BentoML's server imports it when the service starts.
    """
    client: Any = sys.modules.setdefault(CLIENT, ModuleType(CLIENT))
    client.__dict__.setdefault("RemoteProxy", NoClient)
    absent = [name for name in UNUSED if name not in sys.modules]
    for name in absent:
        module = ModuleType(name)
        module.__dict__.update(dict.fromkeys(UNUSED[name]))
        sys.modules[name] = module
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]

"""BentoML's methods: the same routes below /bento/, for its own clients (`bentoml.SyncHTTPClient(url).recommend(…)`).

They read, answer and refuse as the plain routes do: BentoML's own reading of a body would accept other values, and its
errors have another form.
"""

from __future__ import annotations

import logging
from copy import deepcopy
from typing import Any

import bentoml
import msgspec
from bentoml import IODescriptor
from pydantic import create_model
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from services.api.endpoints import ENDPOINTS
from services.api.respond import JSON, respond
from services.errors import body_of_status

logger = logging.getLogger(__name__)


class _Unread(IODescriptor):  # type: ignore[misc]
    """Stands for a body that nobody has read; the fields are what a caller in Python may name."""

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> IODescriptor:
        return cls.model_construct()

    def model_dump_json(self, **options: Any) -> str:
        written: str = super().model_dump_json(**{**options, "exclude_unset": True})
        return written


def _described(kind: type[msgspec.Struct]) -> type[IODescriptor]:
    """A model of BentoML's with the fields and the schema of a struct; every field may be left out in Python."""
    schema = bento_schema(kind)
    fields: dict[str, Any] = dict.fromkeys(kind.__struct_encode_fields__, (Any, None))

    class Described(_Unread):
        @classmethod
        def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
            return deepcopy(schema)  # the caller changes it

    model: type[IODescriptor] = create_model(kind.__name__, __base__=Described, **fields)
    return model


def bento_schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON schema of a struct as BentoML's clients read it: they take the first of several types for the only one.

    So a field that may be null has no type in it, and goes through as it is.
    """
    _, definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    for definition in definitions.values():
        properties = definition.setdefault("properties", {})
        for name, schema in properties.items():
            properties[name] = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**definitions.pop(kind.__name__), "$defs": definitions}


def _method(name: str) -> Any:
    endpoint = next(endpoint for endpoint in ENDPOINTS if endpoint.name == name)

    async def answer(self: Any, **_: Any) -> Response:
        request = bentoml.Context().request
        try:
            return await respond(endpoint, request, self.runtime)
        except ClientDisconnect:  # BentoML would turn it into a failure of ours
            status = 408
        except Exception:
            logger.exception("method=%s path=%r failed", request.method, endpoint.bento_path)
            status = 500
        return Response(body_of_status(status), status_code=status, media_type=JSON)

    answer.__name__, answer.__doc__ = endpoint.name, endpoint.summary
    specs = {"input_spec": _described(endpoint.request), "output_spec": _described(endpoint.answer)}
    return bentoml.api(route=endpoint.bento_path, **specs)(answer)


class BentoMethods:
    """What a BentoML client can call; `RecopsService` has them."""

    recommend = _method("recommend")
    similar = _method("similar")
    events = _method("events")
    history = _method("history")
    users = _method("users")
    user_profile = _method("user_profile")
    filters = _method("filters")
    suggest = _method("suggest")
    status = _method("status")
    releases = _method("releases")
    items = _method("items")
    delete_item = _method("delete_item")
    explain = _method("explain")
    why_not = _method("why_not")
    rollback = _method("rollback")
    release = _method("release")
    promote = _method("promote")
    abort = _method("abort")

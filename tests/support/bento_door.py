"""The same requests through BentoML's methods: a test client that sends each to `/bento/…`, as BentoML's clients do."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from services.api.endpoints import ENDPOINTS

PATHS = {endpoint.path: endpoint for endpoint in ENDPOINTS}


class BentoDoor:
    """Turns `GET /history?user_id=u` into `POST /bento/history {"user_id": "u"}`; what is no endpoint goes as it is."""

    def __init__(self, client: Any, runtime: Any) -> None:
        self._client, self.runtime = client, runtime
        self.app = client.app

    def get(self, path: str, **options: Any) -> Any:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Any:
        return self.request("POST", path, **options)

    def delete(self, path: str, **options: Any) -> Any:
        return self.request("DELETE", path, **options)

    def request(self, method: str, path: str, **options: Any) -> Any:
        url = urlsplit(path)
        endpoint = PATHS.get(url.path)
        if endpoint is None:
            return self._client.request(method, path, **options)
        if method == "GET" == endpoint.method:
            query = {**dict(parse_qsl(url.query, keep_blank_values=True)), **options.pop("params", {})}
            kinds = endpoint.request.__annotations__
            body = {name: _typed(name, value) for name, value in query.items() if name in kinds}
            return self._client.post(endpoint.bento_path, json=body, **options)
        return self._client.request(method, endpoint.bento_path, **options)


def _typed(name: str, value: Any) -> Any:
    """A query's text as JSON has it: numbers are numbers."""
    return int(value) if name == "limit" and isinstance(value, str) and value.isdecimal() and len(value) < 9 else value

"""A conversation with a running service over HTTP, and how its answers look in a terminal."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from features.errors import UserError

TIMEOUT_S = 60.0


class Talk:
    """One conversation; it begins with the first message."""

    def __init__(self, url: str, user_id: str, k: int = 10, key: str = "") -> None:
        if not url.startswith(("http://", "https://")):
            raise UserError(f"--url: found '{url}'; expected an address such as http://127.0.0.1:3000")
        self._url, self._user_id, self._k, self._key = url.rstrip("/"), user_id, k, key
        self._conversation_id: str | None = None

    def say(self, message: str) -> list[str]:
        """Lines of the answer: the reply, then the items.

        Raises:
            UserError: the service does not answer, or refuses the message.
        """
        body = {"user_id": self._user_id, "message": message, "k": self._k}
        if self._conversation_id is not None:
            body["conversation_id"] = self._conversation_id
        answer = self._post("/chat", body)
        self._conversation_id = answer["conversation_id"]
        items = [
            f"{item['rank']:>4}  {item['title'] or item['item_id']}  ({item['item_id']})" for item in answer["items"]
        ]
        return [answer["reply"], *items]

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self._url + path, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            raise UserError(f"{self._url}{path}: {_told(error)}") from None
        except (OSError, ValueError):
            raise UserError(
                f"{self._url} does not answer; start the service with `recops serve`, or name another with --url"
            ) from None


def _told(error: urllib.error.HTTPError) -> str:
    """What the service says of a refusal."""
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"the service answered {error.code}"

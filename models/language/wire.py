"""Words of the wire to a language server: where it is, messages, replies and refusals; nothing heavy is imported."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from features.arrays import Float32

CHARACTERS_A_TOKEN = 4  # where the server does not count

Message = Mapping[str, str]


def tokens_of(n_characters: int) -> int:
    """About how many tokens a text has."""
    return -(-n_characters // CHARACTERS_A_TOKEN)


@dataclass(frozen=True, kw_only=True)
class LanguageServer:
    """Where to ask, and what it costs. model: the name by which the server knows it; prices: of a million tokens."""

    base_url: str
    api_key: SecretStr
    model: str
    price_in: float = 0.0
    price_out: float = 0.0
    concurrency: int = 4
    deadline_s: float = 60.0

    @property
    def label(self) -> str:
        """What is kept of it: the model's name and a hash of the address."""
        return f"{self.model.rsplit('/', 1)[-1]}@{hashlib.sha256(self.base_url.encode()).hexdigest()[:8]}"

    def price(self, tokens_in: int, tokens_out: int) -> float:
        """Of one request or many."""
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back. finish: `stop`, `length` or what else the server says; seconds: of all tries together."""

    text: str
    finish: str
    tokens_in: int
    tokens_out: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """Vectors of some texts, each (size,), in their order; seconds: of all tries together."""

    vectors: list[Float32]
    tokens: int
    seconds: float


class NoReplyError(RuntimeError):
    """The server gave no whole answer in any try; another time it may."""


class QuestionRefusedError(RuntimeError):
    """The server takes requests, but not this one."""


class ServerRefusedError(RuntimeError):
    """The server refuses us: no such model, no right, not before a long time."""

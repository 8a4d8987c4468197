"""The URL of a stream: where the broker is, and options after `?` that say what to read and as whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from features.errors import UserError


@dataclass(frozen=True)
class Address:
    """A parsed URL. server: the URL without options, its secrets included; host: that without user and password."""

    scheme: str
    server: str
    host: str
    path: str
    options: Mapping[str, str]

    def require(self, *names: str) -> list[str]:
        """The values of obligatory options.

        Raises:
            UserError: one is missing.
        """
        missing = [name for name in names if not self.options.get(name)]
        if missing:
            raise UserError(f"{self.shown}: option '{missing[0]}' is missing; expected {self._form(names)}")
        return [self.options[name] for name in names]

    def seconds(self, name: str, default: float) -> float:
        """An option that is a positive number of seconds.

        Raises:
            UserError: it is none.
        """
        text = self.options.get(name)
        if text is None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0 < value < 1e6:
            raise UserError(f"{self.shown}: option '{name}' is '{text}'; expected a number of seconds above 0")
        return value

    def check_options(self, names: Collection[str]) -> None:
        """
        Raises:
            UserError: an option is none of these names.
        """
        unknown = sorted(set(self.options) - set(names))
        if unknown:
            raise UserError(f"{self.shown}: option '{unknown[0]}' is unknown; there are {', '.join(sorted(names))}")

    @property
    def shown(self) -> str:
        """The server for messages, without user and password."""
        return f"{self.scheme}://{self.host}{self.path}"

    def _form(self, names: Collection[str]) -> str:
        return f"{self.scheme}://HOST:PORT{self.path}?{'&'.join(f'{name}=…' for name in names)}"


def parse_address(url: str) -> Address:
    """The parts of a URL.

    Raises:
        UserError: it has no host, or an option stands in it twice.
    """
    parts = urlsplit(url.strip())
    if not parts.scheme or not parts.netloc:
        raise UserError("the stream's URL has no host; expected scheme://HOST:PORT?stream=… (docs/streams.md)")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) < len(pairs):
        raise UserError(f"{parts.scheme}://…: an option stands twice in the URL; leave one of them")
    host = parts.netloc.rpartition("@")[2]
    server = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    return Address(parts.scheme, server, host, parts.path, options)

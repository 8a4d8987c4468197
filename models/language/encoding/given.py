"""Given: what every encoder of items is given; light, since a service that holds sealed encoders imports it too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from features.arrays import Float32
from models.language.encoding.embed_params import Params


class Given(Protocol):
    """An EncoderInput."""

    @property
    def texts(self) -> Sequence[str | None]:
        """Of the items, in the order of the catalogue; None or empty where there is none."""
        ...

    @property
    def params(self) -> Params: ...

    @property
    def sealed(self) -> Path:
        """Folder that fitted encoders are kept in."""
        ...

    @property
    def answers(self) -> Path:
        """Folder of what servers said."""
        ...

    @property
    def sentence(self) -> Float32:
        """(n_texts, size) unit rows of the sentence encoder, centered; zero rows where there is no text.

        Texts of which the encoder knows no token at all (another script) count as none: it could not tell them apart.
        (n_texts, 0) if none is left.
        """
        ...

    def tokenizer(self) -> Any:
        """The sentence encoder's, of the library `tokenizers`."""
        ...

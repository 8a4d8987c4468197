"""The protocol of a part that language models write: a local method that needs nothing, and a question to a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from models.language.writing.asking_params import Params, Part
from models.language.writing.material import Material


class Written(BaseModel):
    """An answer, whoever wrote it; the tasks' answers derive from it."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)


@runtime_checkable
class LanguageTask(Protocol):
    """One part. subjects: whether it is written of each item or of each user, in the order of the material."""

    name: ClassVar[Part]
    subjects: ClassVar[Literal["items", "users"]]
    Answer: ClassVar[type[Written]]

    def local(self, material: Material, params: Params) -> Sequence[Written | None]:
        """One for each subject by a method of ours; None where there is nothing to say."""
        ...

    def facts(self, material: Material, params: Params) -> Sequence[Mapping[str, Any] | None]:
        """What a model is given of each subject; None where nothing is to be asked."""
        ...

    def ungrounded(self, answer: Any, facts: Mapping[str, Any]) -> list[str]:
        """What an asked answer says that the facts do not."""
        ...

"""Params of what language models write: whose answers count, how they are asked, which parts."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Part = Literal["keywords", "description", "prior_popularity", "profile", "reason"]


class Params(BaseModel):
    """Section `language`."""

    model_config = ConfigDict(extra="forbid")

    answers: str
    """Folder of the answers; `recops ask` writes it."""
    model: str | None = None
    """Name of the model whose answers count; null: nobody's, local methods everywhere, and no question leaves."""
    parts: tuple[Part, ...] = ("keywords", "description", "prior_popularity", "profile", "reason")
    """What is asked for; a part that is left out keeps its local method."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """Of the sampling; another one makes every question a new one."""
    max_answer_tokens: int = Field(default=400, ge=16)
    """An answer that is longer is cut, and then refused."""
    short_text: int = Field(default=80, ge=0)
    """A description with fewer characters counts as missing and is written; 0 writes none but where there is none."""
    n_keywords: int = Field(default=6, ge=1, le=20)
    """Keywords of an item."""
    n_profiles: int = Field(default=500, ge=0)
    """Users whose profile is asked for, those who acted last first; each has a local one in any case."""
    style: str = Field(default="plain and factual", max_length=100)
    """How reasons are to sound, in a few words for the model."""

    def sampling(self) -> dict[str, Any]:
        """What of the params changes the answer to a given text."""
        return {"temperature": self.temperature, "max_tokens": self.max_answer_tokens}

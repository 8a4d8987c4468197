"""Parameters of the stage `ablate`: what a language part has to show, and what that may cost."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class PartWorth(BaseModel):
    """What a lift of 1 % may cost, for one part; null: as for all."""

    model_config = ConfigDict(extra="forbid")

    tokens: float | None = Field(default=None, gt=0)
    """Tokens of a language server, read and written, for all items and users."""
    milliseconds: float | None = Field(default=None, gt=0)
    """Processor time of one request (models/ablation/costs.py says how it is counted)."""
    bytes: float | None = Field(default=None, gt=0)
    """Size in a bundle."""


class Worth(BaseModel):
    """What a lift of 1 % may cost."""

    model_config = ConfigDict(extra="forbid")

    tokens: float = Field(default=1_000_000, gt=0)
    """See PartWorth."""
    milliseconds: float = Field(default=0.5, gt=0)
    """See PartWorth."""
    bytes: float = Field(default=100_000_000, gt=0)
    """See PartWorth."""
    parts: dict[str, PartWorth] = {}
    """Other prices for a part, by the name that the report gives it, such as `encoder words` or `map`."""

    def of(self, part: str) -> Worth:
        """The prices that hold for a part."""
        own = self.parts.get(part, PartWorth()).model_dump(exclude_none=True)
        return self.model_copy(update=own)


class AblateParams(BaseModel):
    """Whom language parts are judged on, and when they stay."""

    model_config = ConfigDict(extra="forbid")

    n_users: int = Field(default=2000, ge=0)
    """Users of valid that are asked, a seeded sample; 0: nothing is judged, every part stays."""
    least_lift: float = Field(default=0.0, ge=-1, lt=1)
    """What the lower bound of a part's lift has to exceed, as a share of the metric."""
    least_users: int = Field(default=100, ge=2)
    """With fewer users nobody can tell what a part is worth, and it stays."""
    held_out: float = Field(default=0.2, gt=0, le=0.5)
    """Share of the known items that are taken out of all histories, so that they are new to the map."""
    most_held_out: int = Field(default=400, ge=1)
    """At most so many of them; more cost time."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    """Of the interval of a lift; higher keeps fewer useless parts, and fewer useful ones."""
    worth: Worth = Worth()
    """What a lift may cost."""
    seed: int = Field(default=1, ge=0)
    """Of the samples of users and items."""

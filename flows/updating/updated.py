"""How an update ended, and its sentences."""

from __future__ import annotations

from dataclasses import dataclass

from models.updating.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Updated:
    """How an update ended: of which release, through which event; the bundle's hash where one was made; the verdict
    where it was judged; the id of what went live."""

    base: str
    position: int
    bundle_hash: str | None = None
    verdict: Verdict | None = None
    release: str | None = None
    reason: str = ""

    def text(self) -> str:
        """For people, a sentence a line."""
        lines = [] if self.verdict is None else self.verdict.sentences()
        made = f"{self.base} updated through event {self.position}"
        if self.bundle_hash:
            lines.append(f"{made}: bundle {self.bundle_hash}")
        lines.append(f"released {self.release}" if self.release else f"nothing released: {self.reason}")
        return "\n".join(lines)

from enum import StrEnum


class WhyNotAnswerKind(StrEnum):
    FILTERED = "filtered"
    MOVED = "moved"
    NOT_A_CANDIDATE = "not_a_candidate"
    SCORED = "scored"
    SHOWN = "shown"

    def __str__(self) -> str:
        return str(self.value)

from enum import StrEnum


class SmallestChangeKind(StrEnum):
    FEATURES = "features"
    RETRIEVER = "retriever"

    def __str__(self) -> str:
        return str(self.value)

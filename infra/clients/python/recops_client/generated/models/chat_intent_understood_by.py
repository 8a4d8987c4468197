from enum import StrEnum


class ChatIntentUnderstoodBy(StrEnum):
    LOCAL = "local"
    MODEL = "model"

    def __str__(self) -> str:
        return str(self.value)

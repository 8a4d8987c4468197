"""Profile of users: what they like and what is new with them, from their history alone; no id is in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from features.cleaning.text import history_text
from models.language.grounding import ungrounded
from models.language.tasks.description import listed
from models.language.writing.asking_params import Params
from models.language.writing.material import Material
from models.language.writing.prompt import MOST_CHARACTERS
from models.language.writing.task import Written

HALF_LIFE = 10  # acts; one that many places older counts half
LATELY = 5  # newest acts whose keywords can be new
MOST = 6  # likes
TOLD = 20  # acts that a model is told of

Phrase = Annotated[str, StringConstraints(min_length=1, max_length=60)]


class ProfileAnswer(Written):
    """Two sentences, and the same as lists."""

    profile: Annotated[str, StringConstraints(min_length=5, max_length=600)]
    likes: list[Phrase] = Field(default=[], max_length=10)
    dislikes: list[Phrase] = Field(default=[], max_length=5)
    new: list[Phrase] = Field(default=[], max_length=5)


class Profile:
    """The part `profile`."""

    name, subjects, Answer = "profile", "users", ProfileAnswer

    def local(self, material: Material, params: Params) -> list[Written | None]:
        keywords = material.keywords
        return [
            profile_of([keywords[item] for item in items]) for items in material.histories.get_column("items").to_list()
        ]

    def facts(self, material: Material, params: Params) -> Sequence[Mapping[str, Any] | None]:
        titles, keywords = material.titles, material.keywords
        given: list[Mapping[str, Any] | None] = []
        for rank, (items, events) in enumerate(material.histories.select("items", "events").iter_rows()):
            acts = [(event, titles[item]) for item, event in zip(items[:TOLD], events[:TOLD], strict=True)]
            history = history_text(acts[::-1], MOST_CHARACTERS) if rank < params.n_profiles else ""
            local = profile_of([keywords[item] for item in items]) if history else None
            given.append({"history": history, "keywords": local.likes} if local else None)
        return given

    def ungrounded(self, answer: ProfileAnswer, facts: Mapping[str, Any]) -> list[str]:
        phrases = [f"the {phrase}" for phrase in (*answer.likes, *answer.dislikes, *answer.new)]
        return [stranger for text in (answer.profile, *phrases) for stranger in ungrounded(text, facts)]


def profile_of(keywords: Sequence[Sequence[str]]) -> ProfileAnswer | None:
    """Of the keywords of each item of a history, the newest first; None where there are none."""
    weights: defaultdict[str, float] = defaultdict(float)
    older = {word for words in keywords[LATELY:] for word in words}
    for age, words in enumerate(keywords):
        for word in words:
            weights[word] += 0.5 ** (age / HALF_LIFE)
    if not weights:
        return None
    ranked = sorted(weights, key=lambda word: (-weights[word], word))
    lately = {word for words in keywords[:LATELY] for word in words}
    likes = ranked[:MOST]
    new = [word for word in ranked if word in lately - older][:3] if older else []
    text = f"Likes {listed(likes)}." + (f" Lately {listed(new)}." if new else "")
    return ProfileAnswer.model_construct(profile=text, likes=likes, dislikes=[], new=new)

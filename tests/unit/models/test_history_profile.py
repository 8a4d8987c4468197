"""The first line of params.yaml chooses among values that are written for each profile."""

from __future__ import annotations

import pytest

from features.errors import UserError
from features.params import read_params

TEXT = """
profile: {profile}
retrievers:
  net: {{epochs: {{quick: 0, default: 10}}, width: 64}}
plain: {{quick: 1, other: 2}}
several: [{{best: 3, default: 2}}]
"""


@pytest.mark.parametrize(("profile", "epochs", "several"), [("quick", 0, 2), ("default", 10, 2), ("best", 10, 3)])
def test_a_value_is_that_of_the_profile_or_of_default(tmp_path, profile, epochs, several):
    path = tmp_path / "params.yaml"
    path.write_text(TEXT.format(profile=profile))
    found = read_params(path)
    assert found["retrievers"]["net"] == {"epochs": epochs, "width": 64}
    assert found["several"] == [several]
    assert found["plain"] == {"quick": 1, "other": 2}  # not all of its keys are profiles


def test_another_profile_is_told(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(TEXT.format(profile="fast"))
    with pytest.raises(UserError, match="profile is 'fast', expected one of quick, default, best"):
        read_params(path)

"""Commands on a finished project as a person types them: what they print, and their exit codes."""

from __future__ import annotations

import re

import polars as pl
import pytest

from flows.orchestration.processes import free_port
from tests.support.workspace import edit_params, recops


def some_user(folder) -> str:
    return str(pl.read_parquet(folder / "data/split/train.parquet").get_column("user_id").sort()[0])


def test_recommend_prints_a_list_with_titles_and_reasons(finished_project):
    user = some_user(finished_project)
    printed = recops(finished_project, "recommend", "--user", user, "--k", "5").stdout
    lines = [line for line in printed.splitlines() if re.match(r"^ +\d+ ", line)]
    assert printed.startswith(f"user {user}\n")
    assert [int(line.split()[0]) for line in lines] == [1, 2, 3, 4, 5]
    titles = dict(
        pl.read_parquet(finished_project / "data/catalogue/catalogue.parquet").select("title", "item_id").rows()
    )
    for line in lines:
        title, item = re.split(r" {2,}", line.strip())[1:3]
        assert titles[title] == item


def test_recommend_writes_what_it_prints(finished_project, tmp_path):
    user, out = some_user(finished_project), tmp_path / "lists.parquet"
    printed = recops(finished_project, "recommend", "--user", user).stdout
    assert (
        "10 recommendations for 1 users"
        in recops(finished_project, "recommend", "--user", user, "--out", str(out)).stdout
    )
    written = pl.read_parquet(out)
    assert written.columns == ["user_id", "item_id", "rank", "score", "reason"]
    assert [item for item in written["item_id"] if f" {item} " not in printed] == []


def test_more_lists_than_a_person_reads_belong_into_a_file(finished_project, tmp_path):
    users = tmp_path / "users.txt"
    users.write_text("".join(f"u{number}\n" for number in range(21)))
    done = recops(finished_project, "recommend", "--users", str(users), check=False)
    assert done.returncode == 2
    assert "names 21 users" in done.stderr and "--out lists.parquet" in done.stderr


def test_status_says_what_is_live_stale_and_judged(project):
    printed = recops(project, "status").stdout
    assert re.search(r"^! live +nothing was released yet$", printed, re.MULTILINE)
    assert re.search(r"^✓ stages +all \d+ stages are up to date$", printed, re.MULTILINE)
    assert re.search(r"^✓ verdict +(Promoted|Refused)", printed, re.MULTILINE)
    edit_params(project, {"evaluate.bootstrap": 300})
    printed = recops(project, "status").stdout
    assert re.search(r"^! stages +1 of \d+ stages are not up to date: evaluate$", printed, re.MULTILINE)


def test_doctor_ends_with_1_when_something_is_wrong_and_names_all_of_it(project):
    well = recops(project, "doctor", check=False)
    assert well.returncode == 0, well.stdout
    assert "nothing wrong" in well.stdout
    edit_params(project, {"retrieve.k": 0})
    dead = f"127.0.0.1:{free_port()}"
    ill = recops(
        project, "doctor", check=False, RECOPS_ONLINE_STORE=f"redis://{dead}/0", PREFECT_API_URL=f"http://{dead}"
    )
    assert ill.returncode == 1
    wrong = re.findall(r"^✗ (\S+(?: \S+)*?) {2,}", ill.stdout, re.MULTILINE)
    assert {"params", "online store", "prefect"} <= set(wrong), ill.stdout
    assert "retrieve.k is 0" in ill.stdout and "Traceback" not in ill.stderr


@pytest.mark.parametrize("arguments", [["rnu"], ["run", "--utnil", "split"], ["recommend", "--k", "0", "--user", "a"]])
def test_a_mistyped_command_is_one_line_and_exit_code_2(finished_project, arguments):
    done = recops(finished_project, *arguments, check=False)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1 and done.stderr.startswith("recops: ")

"""Questions about made items, and a process that asks them again and again while a test kills it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from models.language.ledger import Ledger
from models.language.wire import LanguageServer
from models.language.writing.answers import Question, asker_of, key_of
from models.language.writing.asking_params import Params
from models.language.writing.enriching import load_task
from models.language.writing.prompt import data_block, read_prompt

ROOT = Path(__file__).parents[2]
PARAMS = Params(answers="nowhere", model="tiny")


def made_questions(n: int, part: str = "reason") -> list[Question]:
    """Of n items, the worthiest first."""
    asker = asker_of(PARAMS, read_prompt(part), load_task(part).Answer)
    made = []
    for number in range(n):
        facts: dict[str, Any] = {"title": f"thing {number}", "category": "things"}
        text = data_block(facts)
        key = key_of(asker, text)
        made.append(
            Question(key=key, asker=asker, part=part, subject=f"i{number}", facts=facts, text=text, worth=(number,))
        )
    return made


def ask_made(server: LanguageServer, ledger_path: Path, questions: list[Question], budget=None, patience_s=0.0):
    """Asks what the ledger does not have; the outcome."""
    import asyncio

    from flows.asking.ask import Asking
    from flows.asking.budget import Budget
    from flows.asking.open_questions import TOKENS_OUT, Open
    from models.language.client import LanguageClient

    with Ledger(ledger_path) as ledger:
        known = ledger.known_keys()
        opened = Open([one for one in questions if one.key not in known], len(known), dict(TOKENS_OUT))

        async def run():
            client = LanguageClient(server, PARAMS.sampling(), tries=2, sleep=lambda s: asyncio.sleep(0.01))
            return await Asking(client, opened, budget or Budget(), ledger, patience_s).run()

        return asyncio.run(run())


class Asker:
    """A process that forks one that asks each time it is told to, so that a kill costs no imports."""

    def __init__(self, server: LanguageServer, ledger_path: Path, n: int) -> None:
        arguments = [server.base_url, str(ledger_path), str(n)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.made_questions", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self) -> int:
        """Starts asking; the number of the process that does."""
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def wait(self) -> None:
        """Until it has ended, by itself or killed."""
        assert self._process.stdout.readline().strip() == "ended"

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=30)


def _main() -> None:
    from pydantic import SecretStr

    from models.language.client import LanguageClient

    base_url, ledger_path, n = sys.argv[1:]
    server = LanguageServer(base_url=base_url, api_key=SecretStr(""), model="tiny", concurrency=3)
    LanguageClient(server, {}).pieces([])  # what openai imports late it has imported now
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            ask_made(server, Path(ledger_path), made_questions(int(n)))
            os._exit(0)
        print(pid, flush=True)
        os.waitpid(pid, 0)
        print("ended", flush=True)


if __name__ == "__main__":
    _main()

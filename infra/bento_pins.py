"""Writes the versions of requirements.lock into bentofile.yaml; `make lock` calls it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINE = re.compile(r'^    - "?([A-Za-z0-9._-]+)(\[[a-z,]+\])?==.*$')


def main() -> None:
    """Rewrites the pins in place; a package that the lock pins by the version of Python has a line for each."""
    path = ROOT / "bentofile.yaml"
    path.write_text("\n".join(pinned(path.read_text(encoding="utf-8").splitlines())) + "\n", encoding="utf-8")


def pinned(lines: list[str]) -> list[str]:
    """The lines of a bentofile with the pins of the lock."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    written: list[str] = []
    for line in lines:
        match = LINE.match(line)
        if match is None:
            written.append(line)
            continue
        name, extras = match[1], match[2] or ""
        for pin in re.findall(rf"^{re.escape(name)}==(.*)$", lock, re.MULTILINE):
            requirement = f"{name}{extras}=={pin}"
            entry = f'    - "{requirement}"' if ";" in requirement else f"    - {requirement}"
            if entry not in written:
                written.append(entry)
    return written


if __name__ == "__main__":
    main()

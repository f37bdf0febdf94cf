"""All that the suite logs, read at its end for the people it made up (RIGHTS R16)."""

import logging
import re
from pathlib import Path

from phr_api.kit.log import JsonFormatter

# names of the fictional people, in whole and without diacritics; numbers with the test serials
NAMED = re.compile(
    r"thử nghiệm|thu nghiem|\\u1eed nghi|văn khác|[\"' =:(]\d{3}[0-3]\d{2}0000\d{2}[\"' ,.;)}]"
    r"|GD4\d{12}|0900000000",
    re.IGNORECASE,
)


class Listener:
    """Keeps every record of a logger in a file, formatted as the processes format theirs.

    The suite's own listens to the root logger: to everything.
    """

    def __init__(self, path: Path, logger: logging.Logger = logging.root) -> None:
        self._path = path
        self._logger = logger
        self._handler = logging.FileHandler(path, encoding="utf-8")
        self._handler.setFormatter(JsonFormatter())
        self._handler.setLevel(logging.DEBUG)

    def start(self) -> None:
        self._logger.addHandler(self._handler)
        self._logger.setLevel(logging.INFO)

    def stop(self) -> str:
        self._logger.removeHandler(self._handler)
        self._handler.close()
        return self._path.read_text(encoding="utf-8")


def find_named(log: str) -> list[str]:
    """Return the lines that name somebody."""
    return [line[:300] for line in log.splitlines() if NAMED.search(line)]

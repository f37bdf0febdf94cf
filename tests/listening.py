"""All that the suite logs, read at its end for the people it made up (RIGHTS R16)."""

import logging
import re
from pathlib import Path

from phr_api.kit.log import JsonFormatter

# names of the fictional people and staff, with and without diacritics; numbers by their structure
# (a citizen number begins with 0, and the last part of a UUID stands behind a hyphen)
NAMED = re.compile(
    r"thử nghiệm|thu nghiem|nghi\u1ec7m|người khác|văn khác|bé thử|nhân viên thử"
    r"|(?<![\w-])0\d{2}[0-3]\d{8}(?![\w-])|(?:GD|TE)[1-5]\d{12}|(?:\+84|(?<![\w-])0)9\d{8}(?![\w-])",
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

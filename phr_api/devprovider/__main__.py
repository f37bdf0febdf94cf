"""`python -m phr_api.devprovider`: a process of `make run`."""

import os

from phr_api.devprovider.server import serve
from phr_api.settings import Settings

if __name__ == "__main__":
    serve(Settings.from_env(os.environ))  # noqa: TID251 - a process's entry point

"""`phr-api worker`."""

import os

import click

from phr_api.commands.environment import NEEDED_TO_OPEN_FILES, read_settings

METRICS_FOLDER = "metrics"


@click.command()
def worker() -> None:
    """Run the background process in the foreground.

    Takes in the files that hospitals sent, carries out what facilities ordered, and does what is
    due. Several may run. SIGTERM finishes the visits in flight; the rest waits for the next.
    """
    settings = read_settings(*NEEDED_TO_OPEN_FILES)
    folder = settings.data_dir / METRICS_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # noqa: TID251 - read at the import below
    from phr_api.kit import log, metrics  # noqa: PLC0415 - prometheus_client reads the folder now
    from phr_api.worker import run  # noqa: PLC0415

    log.configure(settings.log_level)
    metrics.serve(folder, port=settings.metrics_port, host=settings.metrics_host)
    run(settings)

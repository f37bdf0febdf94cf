"""The web application for a WSGI server: `granian --interface wsgi phr_api.wsgi:application`.

`phr-api serve web` and `phr-api serve slow` start that server and check the settings first.
"""

import gc
import os

from flask import Flask

from phr_api.settings import Settings

METRICS_FOLDER = "metrics"


def build() -> Flask:
    """Application of one worker process, with logs and metrics going."""
    settings = Settings.from_env(os.environ).without_private_key()  # noqa: TID251 - entry point
    folder = settings.data_dir / METRICS_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # noqa: TID251 - read at the import below
    gc.disable()  # what is imported stays; looking through it for garbage is a tenth of a start
    from phr_api.app import create_app  # noqa: PLC0415 - prometheus_client reads the folder now
    from phr_api.kit import log, metrics  # noqa: PLC0415

    log.configure(settings.log_level)
    metrics.serve(folder, port=settings.metrics_port, host=settings.metrics_host)
    app = create_app(settings)
    gc.freeze()
    gc.enable()
    return app


application = build()

"""`phr-api reprocess`."""

import click

from phr_api.commands.environment import NEEDED_TO_OPEN_FILES, command_database


@click.command()
@click.option("--facility", required=True, help="Code of the facility whose visits to run again.")
def reprocess(facility: str) -> None:
    """Run refused and waiting visits again from the kept bytes.

    After an update that reads more, or when numbers were verified since. A visit that is refused
    again stays refused; nothing is entered twice.
    """
    from phr_api.records import reprocess as run_again  # noqa: PLC0415 - `--help` stays fast

    with command_database(*NEEDED_TO_OPEN_FILES):
        outcomes = run_again(facility)
    counts = ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items()))
    click.echo(f"{sum(outcomes.values())} visits run again: {counts or 'nothing to do'}")

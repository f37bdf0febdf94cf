"""`phr-api notifications`: how messages ended."""

import json
from datetime import UTC, datetime, timedelta

import click

from phr_api.commands.environment import command_database


@click.group()
def notifications() -> None:
    """See what became of pushes and SMS: no addresses, no words."""


@notifications.command("list")
@click.option(
    "--state",
    type=click.Choice(["due", "handed", "expired", "dead"]),
    help="Only those that ended so; all without it.",
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="In UTC; the last day without it.",
)
def list_(state: str | None, since: datetime | None) -> None:
    """Print up to a thousand deliveries, newest first, as one JSON object a line."""
    from phr_api.kit import clock  # noqa: PLC0415 - `--help` stays fast
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415
    from phr_api.notifications import find_deliveries  # noqa: PLC0415

    start = clock.now() - timedelta(days=1) if since is None else since.replace(tzinfo=UTC)
    with command_database(), unit_of_work() as session:
        for row in find_deliveries(session, state=state, since=start):
            line = {
                "id": str(row.id),
                "notification": str(row.notification_id),
                "channel": row.channel,
                "state": row.state,
                "reason": row.reason,
                "attempts": row.attempts,
                "updatedAt": row.updated_at.isoformat(),
            }
            click.echo(json.dumps(line))

"""The command line `phr-api`. A command's module is imported when it is called, not before."""

import importlib
import json
import sys
from dataclasses import dataclass

import click

EX_CONFIG = 78  # sysexits.h: something in the configuration is wrong


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command lives, and the line that `phr-api --help` shows of it."""

    module: str
    help: str


COMMANDS = {
    "run": Entry("run", "Start everything on this computer: database, web, worker."),
    "serve": Entry("serve", "Run one web process in the foreground (Procfile: web, slow)."),
    "worker": Entry("worker", "Run the background process in the foreground (Procfile)."),
    "migrate": Entry("migrate", "Create the roles and bring the database up to this version."),
    "seed": Entry("seed", "Fill a development database with fictional people, once."),
    "ingest": Entry(
        "ingest", "Take in hospitals' XML files now and say what became of each visit."
    ),
    "send": Entry(
        "send", "Send a hospital's XML files to the service as a system; watch a folder."
    ),
    "reprocess": Entry("reprocess", "Run refused and waiting visits again from the kept bytes."),
    "reattach": Entry("reattach", "Move a visit from a wrong person's book to the right one's."),
    "originals": Entry("originals", "Write a hospital's file as it was received; it is traced."),
    "clients": Entry(
        "clients", "Register, list and end the systems that may send, and their keys."
    ),
    "keys": Entry("keys", "Make secrets and keys; rotate the key that signs access tokens."),
    "facility": Entry("facility", "Add and list facilities."),
    "services": Entry("services", "Load what facilities offer."),
    "holidays": Entry("holidays", "Load public holidays, on which schedules rest."),
    "staff": Entry("staff", "Give and end a person's work for a facility."),
    "carers": Entry("carers", "Record a parent as carer of a child's book."),
    "notifications": Entry("notifications", "List how pushes and SMS ended."),
    "audit": Entry("audit", "Check that the trace is still what was signed."),
    "codes": Entry("codes", "Load a list of codes with its names and version."),
    "openapi": Entry("openapi", "Write the OpenAPI document and the catalogue of problems."),
    "login": Entry("login", "Sign in as a demo person and print the tokens (development only)."),
}


class LazyGroup(click.Group):
    """Lists the table above; imports `phr_api.commands.<module>` only to run or explain one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = importlib.import_module(f"phr_api.commands.{entry.module}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="phr-api")
def cli() -> None:
    """Personal health record: hospitals send their files, people read their e-health book.

    Settings come from the environment; README.md lists them. A missing or unsafe one ends a
    command with status 78 and its name.
    """


def main() -> None:
    """Run the command line; what an operator can mend is one line, the rest holds no message.

    A traceback of Python's own would print the text of a database error, and with it a row.
    """
    try:
        cli(prog_name="phr-api")
    except ImportError:
        raise  # an installation that is not whole: its words are what one needs
    except Exception as error:  # noqa: BLE001 - the last frame: nothing above would print it better
        if _is_operators(error):
            click.echo(f"phr-api: {error}", err=True)
            sys.exit(EX_CONFIG)
        from phr_api.kit import log  # noqa: PLC0415 - only when something failed
        from phr_api.kit.problems import Problem  # noqa: PLC0415

        if isinstance(error, Problem):
            click.echo(f"phr-api: {error.titles['en']} ({error.slug})", err=True)
            sys.exit(1)
        for described in log.describe_chain(error):
            click.echo(f"phr-api: unexpected {json.dumps(described, indent=1)}", err=True)
        sys.exit(1)


def _is_operators(error: Exception) -> bool:
    """Whether the error is about settings, the embedded server or the database's fitness."""
    names = {"SettingError", "EmbeddedServerError", "UnfitDatabase", "NotInDevelopment"}
    return type(error).__name__ in names and type(error).__module__.startswith("phr_api.")


if __name__ == "__main__":
    main()

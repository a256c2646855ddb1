"""The command `registry`: finds the module of a subcommand when it is typed, so that `--help` starts fast.

Exit codes: 0 done, 1 refused or failed with a sentence on stderr, 2 wrong usage.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import click

from registry.errors import Refusal
from vosi.xmlio import XmlRefused

# name -> (module below registry.cli, its click command, what the list of commands says)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "init": ("site", "init", "Found a datacenter: settings, administrator, the founding records."),
    "serve": ("site", "serve", "Run web, worker and gateway until stopped."),
    "worker": ("site", "worker", "Run the worker alone: jobs, harvests, clean-up."),
    "gateway": ("site", "gateway", "Run the gateway alone: the way from jobs to the local APIs."),
    "config": ("site", "config_command", "Show the settings and where each came from."),
    "backup": ("backups", "backup", "Write a backup of everything into one file, while it works."),
    "restore": ("backups", "restore", "Make a datacenter from a backup, where there is none."),
    "upgrade": ("backups", "upgrade", "Bring the database of an older version up to date."),
    "doctor": ("site", "doctor", "Check database, engine, repository, disk, address, network."),
    "records": ("records", "records", "Records on the shelf: find, list, show, edit, publish, diff, restore, delete."),
    "sets": ("sets", "sets", "OAI sets of your own: add, list, assign, remove."),
    "import": ("records", "import_", "Put records from files on the shelf."),
    "export": ("records", "export", "Write records to files."),
    "validate": ("validating", "validate", "Judge records by the schemas and the rules of registries."),
    "query": ("queries", "query", "Ask the tables of the registry in ADQL."),
    "reproject": ("records", "reproject", "Derive the tables of searches from the records anew."),
    "harvest": ("harvest", "harvest", "Other registries: add, harvest, see what came."),
    "api": ("services", "api", "The standard APIs inside this datacenter: describe, find, watch."),
    "app": ("applications", "app", "Packaged applications: new, test, publish, watch, approve, retract, list, show."),
    "where": ("dispatch", "where", "Say where an application can run now, and why not elsewhere."),
    "run": ("jobs", "run", "Run an application, here or at another datacenter."),
    "jobs": ("jobs", "jobs", "List jobs, show one."),
    "logs": ("jobs", "logs", "Print what a job wrote to stdout and stderr."),
    "record": ("provenance", "record", "Print a job's run record."),
    "rerun": ("provenance", "rerun", "Run a job once more and say what differs."),
    "results": ("jobs", "results", "List and download a job's results."),
    "abort": ("jobs", "abort", "Stop a job; its results so far are kept."),
    "rm": ("jobs", "rm", "Delete a job with its results."),
    "problems": ("accounts", "problems", "List what failed, waits, is in conflict or is not well."),
    "audit": ("accounts", "audit", "Print who did what."),
    "user": ("accounts", "user", "Accounts: add, list, role, password, disable, logout, link, unlink."),
    "oidc": ("oidc", "oidc", "Log-in by an OpenID Connect provider: show, secret."),
    "token": ("accounts", "token", "API tokens: add, list, revoke."),
}


class _Commands(click.Group):
    """A group that imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[name]
        command: click.Command = getattr(importlib.import_module(f"registry.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, _, words) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--instance", type=click.Path(path_type=Path, file_okay=False), envvar="REGISTRY_INSTANCE", default=Path("instance"),
    show_default=True, help="The datacenter's folder: configuration, database, results, keys.",
)
@click.version_option(package_name="innerspace", prog_name="registry")
@click.pass_context
def registry(ctx: click.Context, instance: Path) -> None:
    """A registry of what runs inside a datacenter, and a runner of packaged applications."""
    ctx.obj = instance


def main() -> None:
    """Entry point: like click's own, but a refusal is one sentence on stderr and exit code 1."""
    try:
        registry.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        print("Stopped.", file=sys.stderr)
        sys.exit(1)
    except (Refusal, XmlRefused) as error:
        print(f"registry: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # whoever read us has seen enough
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # a person is told in a sentence even what nobody has thought of
        if os.environ.get("REGISTRY_DEBUG"):
            raise
        first = (str(error).splitlines() or [""])[0]
        if _database_failed(error):
            print("registry: The database failed (full, busy or away), so nothing was changed: "
                  f"{first}. `registry doctor` looks at it.", file=sys.stderr)
        else:
            print(f"registry: This is a fault of the program, not yours ({type(error).__name__}: {first}): try again, and "
                  "report it with what is printed when REGISTRY_DEBUG=1 is set.", file=sys.stderr)
        sys.exit(1)
    sys.exit(0)


def _database_failed(error: Exception) -> bool:
    errors = sys.modules.get("sqlalchemy.exc")
    return errors is not None and isinstance(error, errors.OperationalError)

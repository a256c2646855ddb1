"""Commands that keep a datacenter safe: back it up, restore it, bring its database up to date."""

from __future__ import annotations

from pathlib import Path

import click

from registry.cli.common import emit, json_option, progress, site_as_it_is, who
from registry.site import Site


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--without-results", is_flag=True, help="Leave out the files of jobs: inputs, logs, results.")
@click.option("--without-keys", is_flag=True, help="Leave out keys and credentials; what they signed is then void.")
@json_option
@click.pass_obj
def backup(instance: Path, target: Path, without_results: bool, without_keys: bool, as_json: bool) -> None:
    """Write a backup to the file TARGET, or into the folder TARGET, while the service works.

    It holds database, configuration, keys and the files of jobs, and can be read by its owner alone: keep it so.
    """
    from registry.backup import making  # alembic is heavy, and `--help` needs none of it

    with site_as_it_is(instance) as site, progress("backup") as tell:
        made = making.make(site.settings, site.database, target, keys=not without_keys, results=not without_results,
                           progress=lambda done, words: tell(done // 10**6, f"MB, {words}"))
    document = {"path": str(made.path), "bytes": made.size, **made.about}
    emit(document, as_json, lambda: click.echo(f"{made.path}: {made.size / 1e6:.1f} MB, with {', '.join(made.about['holds'])}"))


@click.command()
@click.argument("archive", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Only read it, and say whether it is whole.")
@json_option
@click.pass_obj
def restore(instance: Path, archive: Path, check: bool, as_json: bool) -> None:
    """Make the datacenter of --instance from ARCHIVE, which `registry backup` has written; nothing may be there yet.

    A PostgreSQL database goes into the empty one that database_url names (INNERSPACE_DATABASE_URL, or the backup's own).
    """
    from registry.backup import restoring

    if check:
        with progress("check") as tell:
            about = restoring.check(archive, progress=lambda done, words: tell(done // 10**6, f"MB, {words}"))
        emit(about, as_json, lambda: click.echo(
            f"{archive} is whole: {about['title']} ({about['authority']}) at {about['made']}, with {', '.join(about['holds'])}."))
        return
    with progress("restore") as tell:
        restored = restoring.restore(archive, instance, who(),
                                     progress=lambda done, words: tell(done // 10**6, f"MB, {words}"))
    about, settled = restored.about, restored.settled
    missing = sorted({"keys", "results"} - set(about["holds"]))

    def words() -> None:
        click.echo(f"Restored {about['title']} ({about['authority']}) in {instance} as it was at {about['made']}.")
        if settled.stopped:
            click.echo(f"{settled.stopped} jobs were running then and are errors now, which can be run again.")
        if missing:
            click.echo(f"The backup was made without {' and '.join(missing)}.")
        click.echo(f"Look at it with: registry --instance {instance} doctor")

    emit({**about, "instance": str(instance), "stopped_jobs": settled.stopped, "missing": missing}, as_json, words)


@click.command()
@click.option("--dry-run", is_flag=True, help="Print what would change, try it, and take it back.")
@click.option("--without-backup", is_flag=True, help="Make no backup before: there is one already.")
@json_option
@click.pass_obj
def upgrade(instance: Path, dry_run: bool, without_backup: bool, as_json: bool) -> None:
    """Bring the database up to date after a backup into the instance's folder `backups`. Stop what runs on it before."""
    from registry import schema
    from registry.backup import upgrading

    with site_as_it_is(instance) as site:
        if dry_run:
            _dry_run(site, as_json)
            return
        done = upgrading.upgrade(site.settings, site.database, backup=not without_backup,
                                 tell=lambda words: click.echo(words, err=True))
        newest = schema.state(site.database).newest
    document = {"before": done.before, "after": done.after, "backup": str(done.backup or ""),
                "changes": [vars(change) for change in done.changes]}
    words = f"upgraded from revision {done.before} to {done.after}" if done.changes else f"up to date (revision {newest})"
    emit(document, as_json, lambda: click.echo(words))


def _dry_run(site: Site, as_json: bool) -> None:
    """What would change; it is tried in a transaction that is taken back."""
    from registry import schema

    found = schema.state(site.database)
    statements = schema.statements(site.database)
    if found.pending:
        schema.rehearse(site.database)

    def words() -> None:
        if not found.pending:
            click.echo(f"Nothing would change: the database is of revision {found.present or 'none yet'}, the newest.")
            return
        for change in found.pending:
            click.echo(f"{change.number}: {change.words}")
        click.echo(f"\n{statements.strip()}\n")
        click.echo("All of it was tried on the database and taken back: nothing has changed.")

    emit({"present": found.present, "newest": found.newest, "changes": [vars(change) for change in found.pending],
          "statements": statements}, as_json, words)

"""``scmhost export-links`` and ``relink``: links of very many stored frames, without requests to the service."""

import sys
from pathlib import Path
from typing import Final

import click

from .context import (
    CommandContext,
    config_option,
    database_options,
    echo,
    echo_error,
    echo_json,
    json_option,
    organization_named,
    progress,
)

DEFAULT_SNAPSHOT: Final = "links.snapshot"


@click.command(name="export-links")
@click.option("--org", metavar="ORG", help="The organization; needed if there are several.")
@click.option(
    "--without-files", is_flag=True, help="Leave out the files of known commits, of which there may be millions."
)
@database_options
@click.pass_obj
def export_links(
    context: CommandContext, *, org: str | None, without_files: bool, config: str | None, database_url: str | None
) -> None:
    """Write what the links of an organization need to standard output, for `scmhost relink` and other engines.

    Without the files of known commits, links have a lower confidence, a file that was deleted has a link, and the
    order of code mappings alone decides which of them a frame gets.
    """
    from scmhost.bulk.export import export_links as export

    out = sys.stdout.buffer
    if out.isatty():
        raise click.UsageError(f"write the snapshot to a file: scmhost export-links > {DEFAULT_SNAPSHOT}")
    with context.open_host(config, database_url) as host:
        header = export(host.services, organization_named(host.services, org), out, with_files=not without_files)
    counts = ", ".join(f"{number} {name}" for name, number in header.counts.items() if number)
    echo_error(f"Links of {header.organization}: {counts or 'nothing'}.")


@click.command(name="relink")
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option(
    "--snapshot",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    default=DEFAULT_SNAPSHOT,
    show_default=True,
    help="What scmhost export-links wrote.",
)
@click.option(
    "--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Default: FILE.links.parquet."
)
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@click.option("--project", metavar="SLUG", help="The project of all frames, if there is no column for it.")
@click.option(
    "--column", "columns", metavar="NAME=COLUMN", multiple=True, help="The column of a field, such as filename=path."
)
@config_option
@json_option
@click.pass_obj
def relink(
    _context: CommandContext,
    *,
    file: Path,
    snapshot: Path,
    out: Path | None,
    force: bool,
    project: str | None,
    columns: tuple[str, ...],
    config: str | None,
    as_json: bool,
) -> None:
    """Add the columns url, reason and confidence to the frames of a Parquet file.

    A frame has the columns project, filename, line, abs_path, module, package, platform, sdk_name, release and commit;
    one that is missing counts as unknown. Other columns are kept.
    """
    from scmhost.arrow import count_rows, link_batches, relink_parquet

    out = out or file.with_name(f"{file.stem}.links.parquet")
    if out.exists() and not force:
        raise click.BadParameter(f"{out} exists; name another file, or replace it with --force", param_hint="--out")
    link = link_batches(snapshot, columns=dict(map(_named_column, columns)), project=project, config=config)
    with progress("Frames", count_rows(file)) as advance:
        counts = relink_parquet(file, out, link, advance)
    linked = counts.pop("", 0)
    if as_json:
        echo_json({"file": str(out), "linked": linked, "reasons": counts})
        return
    echo(f"{out}: {linked} of {linked + sum(counts.values())} frames have a link.")
    for reason, number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        echo(f"  {number} {reason}")


def _named_column(text: str) -> tuple[str, str]:
    name, equals, column = text.partition("=")
    if not (name and equals and column):
        raise click.BadParameter(f"{text!r} is not NAME=COLUMN", param_hint="--column")
    return name, column

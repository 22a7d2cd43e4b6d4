"""``scmhost link``."""

import sys
from collections import Counter
from typing import TYPE_CHECKING

import click

from .context import CommandContext, database_options, json_option, organization_named, remark, say, say_json
from .input import read_input

if TYPE_CHECKING:
    from scmhost.usecases.link_trace import LinkedFrame, LinkedTrace


@click.command(name="link")
@click.argument("file", default="-", metavar="[FILE|-]")
@click.option("--org", required=True, metavar="SLUG", help="The organization's slug.")
@click.option("--project", required=True, metavar="SLUG", help="The project whose code mappings are used.")
@click.option("--release", metavar="VERSION", help="Link to this release's commit of each repository.")
@click.option("--commit", metavar="SHA", help="Link to this commit.")
@database_options
@json_option
@click.pass_obj
def command(
    context: CommandContext,
    *,
    file: str,
    org: str,
    project: str,
    release: str | None,
    commit: str | None,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Print a stack trace with links to its source. Reads FILE, or standard input.

    On a terminal the frames themselves are links; elsewhere each link stands on a line below its frame. What has
    no link is summed up at the end, on standard error, with the next step.
    """
    from scmhost.usecases.create_organization import find_project
    from scmhost.usecases.link_trace import link_trace

    text = read_input(file)
    with context.open_host(config, database_url) as host:
        organization = organization_named(host.services, org)
        of = find_project(host.services, organization, project)
        linked = link_trace(host.services, organization, of, text, release=release, commit=commit)
    if as_json:
        say_json(as_object(linked))
        return
    say(with_links(text, linked, terminal=sys.stdout.isatty()))
    for line in summary(linked):
        remark(line)


def with_links(text: str, linked: "LinkedTrace", *, terminal: bool) -> str:
    """The text with its links, as OSC 8 hyperlinks on a terminal, as lines of their own elsewhere."""
    lines = text.rstrip("\n").split("\n")
    after: dict[int, list[str]] = {}
    for frame in reversed(linked.frames):
        url = url_of(frame)
        if url is None:
            continue
        where = frame.found
        if terminal:
            line = lines[where.text_line]
            linked_part = f"\x1b]8;;{url}\x1b\\{line[where.start : where.end]}\x1b]8;;\x1b\\"
            lines[where.text_line] = line[: where.start] + linked_part + line[where.end :]
        else:
            after.setdefault(where.text_line, []).insert(0, f"    -> {url}")
    return "\n".join("\n".join([line, *after.get(number, [])]) for number, line in enumerate(lines))


def url_of(frame: "LinkedFrame") -> str | None:
    """The frame's link, if it has one."""
    from scmhost.links import Link

    outcome = frame.resolved.outcome
    return outcome.url if isinstance(outcome, Link) else None


def summary(linked: "LinkedTrace") -> list[str]:
    """How many frames have links, and for the others why not and what to do."""
    from scmhost.links import NoLink

    without = [frame.resolved.outcome for frame in linked.frames if isinstance(frame.resolved.outcome, NoLink)]
    lines = [f"{len(linked.links)} of {len(linked.frames)} frames have links."]
    for (reason, message, step), count in Counter((no.reason, no.message, no.next_step) for no in without).items():
        lines.append(f"{count} without: {reason.value}. " + " ".join(part for part in (message, step) if part))
    return lines


def as_object(linked: "LinkedTrace") -> dict[str, object]:
    """The frames and what became of them, for a machine."""
    from scmhost.links import Link

    frames = []
    for item in linked.frames:
        outcome = item.resolved.outcome
        shown: dict[str, object] = {
            "path": item.found.frame.path,
            "line": item.found.frame.line,
            "function": item.found.frame.function,
            "sourcePath": outcome.source_path,
        }
        if isinstance(outcome, Link):
            shown |= {"url": outcome.url, "ref": outcome.ref, "refSource": outcome.ref_source, "reason": None}
        else:
            shown |= {"url": None, "reason": outcome.reason.value, "nextStep": outcome.next_step}
        frames.append(shown)
    return {"frames": frames, "unreadLines": linked.unread, "truncated": linked.truncated}

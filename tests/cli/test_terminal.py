import io
from contextlib import redirect_stderr
from pathlib import Path

from house import SHA, House, open_house
from scmhost.cli.link import with_links
from scmhost.cli.progress import progress
from scmhost.usecases.link_trace import LinkedTrace, link_trace

TRACE = '  File "/srv/app/a.py", line 3, in f\nsrv/app/b.py:4: Error'


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def linked(house: House) -> LinkedTrace:
    repository, installation = house.claimed()
    house.mapping(repository, installation)
    return link_trace(house.services, house.there.organization, house.there.project, TRACE, commit=SHA)


def test_on_a_terminal_the_frame_itself_is_the_link(tmp_path: Path) -> None:
    """The text stays as it was, but for marks that a terminal turns into a link."""
    with open_house(tmp_path) as house:
        shown = with_links(TRACE, linked(house), terminal=True)
    url = f"https://git.example.com/team/app/blob/{SHA}/src/a.py#L3"
    assert f'  File "\x1b]8;;{url}\x1b\\/srv/app/a.py\x1b]8;;\x1b\\", line 3' in shown
    assert shown.endswith("srv/app/b.py:4: Error")


def test_quick_work_shows_no_bar() -> None:
    """On a terminal a bar appears only when the work takes long."""
    with redirect_stderr(Terminal()) as shown, progress("working", 2) as advance:
        advance(1)
        advance(1)
    assert shown.getvalue() == ""


def test_long_work_shows_a_bar() -> None:
    """After the patience is over, the bar names the work."""
    with redirect_stderr(Terminal()) as shown, progress("sending commits", 2, patience=0.0) as advance:
        advance(1)
    assert "sending commits" in shown.getvalue()


def test_without_a_terminal_there_is_no_bar() -> None:
    """A log file gets no bar, however long the work takes."""
    with redirect_stderr(io.StringIO()) as shown, progress("working", 1, patience=0.0) as advance:
        advance(1)
    assert shown.getvalue() == ""

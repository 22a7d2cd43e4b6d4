"""Render docs/terminal.svg: scmhost links the trace of a program and the errors of a compiler.

The program and scmhost really run. What gcc prints is recorded, because not every machine has a compiler.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Final

_SHOP: Final = Path(__file__).with_name("shop")
_PROMPT: Final = "$ "
_CRASH: Final = "docker run shop 2>&1 | scmhost link"
_BUILD: Final = "make 2>&1 | scmhost link"
_COMPILED: Final = """\
cc -c scale.c
scale.c: In function 'weigh':
scale.c:9:12: error: 'nett' undeclared (first use in this function); did you mean 'net'?
    9 |     return nett;
      |            ^~~~
"""
_SCMHOST: Final = "from scmhost.app import main; main()"
_LINK: Final = re.compile(r"\x1b\]8;;(?P<url>.+?)\x1b\\(?P<text>.+?)\x1b\]8;;\x1b\\")
_ANCHOR: Final = re.compile(r'<a href="(?P<url>[^"]+)">')
_MOMENT: Final = "1767225600 +0000"
_LINE, _LEFT, _TOP = 23, 24, 66

_PICTURE: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 920 {height}" role="img" aria-labelledby="title description">
  <title id="title">A stack trace and a compiler's error become links</title>
  <desc id="description">In a terminal, a Python traceback and the output of a compiler are piped through scmhost link.
    Each source location is underlined: it is a link to the line in the checked-out commit. The URL of one link is shown
    below.</desc>
  <style>
    text {{ font: 14px ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace; fill: #d7dde4; white-space: pre }}
    .prompt {{ fill: #7ee2a0 }} .link {{ fill: #79b8ff; text-decoration: underline }}
    .remark {{ fill: #98a4b0 }} .where {{ font-size: 12px; fill: #b9d4f0 }}
  </style>
  <rect width="920" height="{height}" rx="10" fill="#161b22"/>
  <circle cx="24" cy="22" r="6" fill="#ff5f57"/><circle cx="44" cy="22" r="6" fill="#febc2e"/>
  <circle cx="64" cy="22" r="6" fill="#28c840"/>
{lines}
  <path d="M0 {foot}H920V{corner}a10 10 0 0 1-10 10H10a10 10 0 0 1-10-10z" fill="#21303f"/>
  <text class="where" x="24" y="{below}">{url}</text>
</svg>
"""


def terminal() -> str:
    """Return the picture as SVG. Authors, times and paths are constants, so that it is the same on every machine."""
    with TemporaryDirectory() as folder:
        shop = Path(folder, "shop")
        copytree(_SHOP, shop, ignore=lambda _folder, names: [name for name in names if name.startswith("__")])
        _commit_all(shop)
        trace = _crash(shop).replace(f"{shop}/", "/app/")
        rows = [*_linked(shop, _CRASH, trace), "", *_linked(shop, _BUILD, _COMPILED)]
    return _picture(rows)


def _linked(shop: Path, command: str, text: str) -> list[str]:
    """Return the rows of a command: its line, the linked text, and the summary."""
    shown = _run([sys.executable, "-c", _SCMHOST, "link", "--hyperlinks"], shop, text)
    return [
        f'<tspan class="prompt">{_PROMPT}</tspan>{escape(command)}',
        *map(_with_links, shown.stdout.splitlines()),
        *(f'<tspan class="remark">{escape(line)}</tspan>' for line in shown.stderr.splitlines()),
    ]


def _commit_all(shop: Path) -> None:
    for words in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        ("commit", "--quiet", "--message", "Sell fruit"),
        ("remote", "add", "origin", "https://codeberg.org/acme/shop.git"),
        ("update-ref", "refs/remotes/origin/main", "HEAD"),
    ):
        _run(["git", *words], shop, "")


def _crash(shop: Path) -> str:
    # Without the markers below the lines, which differ between versions of Python.
    done = _run([sys.executable, "-B", "-X", "no_debug_ranges", str(shop / "till.py")], shop, "", fails=True)
    return done.stderr


def _run(command: list[str], folder: Path, text: str, *, fails: bool = False) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own commands
        command, cwd=folder, input=text, capture_output=True, text=True, check=not fails, env=_environment(folder)
    )


def _environment(folder: Path) -> Mapping[str, str]:
    people = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Ada"), ("EMAIL", "ada@example.com"), ("DATE", _MOMENT))
    }
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": str(folder), "PWD": str(folder)}
    return {**os.environ, **people, **alone}


def _picture(drawn: list[str]) -> str:
    rows = [f'  <text x="{_LEFT}" y="{_TOP + at * _LINE}">{text}</text>' for at, text in enumerate(drawn)]
    # Terminals show the URL of the link under the pointer at the bottom.
    url = next(link["url"] for line in reversed(drawn) if (link := _ANCHOR.search(line)))
    foot = _TOP + len(drawn) * _LINE
    return _PICTURE.format(
        height=foot + 34, foot=foot, corner=foot + 24, below=foot + 21, url=url, lines="\n".join(rows)
    )


def _with_links(line: str) -> str:
    parts: list[str] = []
    at = 0
    for link in _LINK.finditer(line):
        text = f'<tspan class="link">{escape(link["text"])}</tspan>'
        parts += [escape(line[at : link.start()]), f'<a href="{escape(link["url"])}">{text}</a>']
        at = link.end()
    return "".join([*parts, escape(line[at:])])

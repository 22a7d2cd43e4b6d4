"""Make the screenshots of the pages: ``python -m docs.screenshots``. Needs Chromium and the packages of the tests."""

import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

_ROOT: Final = Path(__file__).parents[1]
_IMAGES: Final = _ROOT / "docs" / "images"
_ORGANIZATION: Final = "/organizations/acme"
_PROJECT: Final = f"{_ORGANIZATION}/projects/web"
_SIZE: Final = {"width": 1000, "height": 640}


def main() -> None:
    """Serve sample data, and take a picture of each page."""
    sys.path.append(str(_ROOT / "tests"))
    shown, chromium = import_module("shown_pages"), import_module("chromium")
    with (
        TemporaryDirectory() as folder,
        shown.open_sample(Path(folder)) as api,
        shown.served(api) as url,
        chromium.open_chromium() as browser,
    ):
        page = browser.new_context(base_url=url, viewport=_SIZE).new_page()
        page.goto(shown.link_for(api, host_admin=True))
        _picture(page, "sign-in")
        page.get_by_role("button", name="Sign in").click()
        _trace(page, shown.TRACE)
        page.goto(shown.redirect_for(api, "/opt/old/shop/legacy.py", line="3", project="web"))
        _picture(page, "reason")
        _mappings(page, shown.TRACE)
        _organization(page)


def _trace(page: Any, trace: str) -> None:
    page.goto(_PROJECT)
    _picture(page, "paste")
    page.get_by_label("Stack trace, output or event").fill(trace)
    page.get_by_role("button", name="Find the source").click()
    page.get_by_text("What was tried").last.click()
    _picture(page, "links")
    page.emulate_media(color_scheme="dark")
    _picture(page, "links-dark")
    page.emulate_media(color_scheme="light")


def _mappings(page: Any, trace: str) -> None:
    page.goto(f"{_PROJECT}/mappings")
    page.get_by_role("link", name="Edit /srv/shop/", exact=True).click()
    page.get_by_label("Source root").fill("python/")
    page.get_by_text("Try it on a trace").click()
    page.get_by_label("Trace", exact=True).fill(trace)
    page.get_by_role("button", name="Try").click()
    _picture(page, "difference")
    page.goto(f"{_PROJECT}/mappings/derive")
    page.get_by_label("Trace").fill('File "/builds/worker/site/src/lib/money.ts", line 9, in format')
    page.get_by_role("button", name="Derive").click()
    page.get_by_role("button", name="Accept").click()
    page.goto(f"{_PROJECT}/mappings")
    _picture(page, "mappings")


def _organization(page: Any) -> None:
    page.goto(f"{_ORGANIZATION}/missing")
    _picture(page, "missing")
    page.goto(f"{_ORGANIZATION}/installations/new/custom_scm")
    page.get_by_label("Name").fill("acme")
    page.get_by_label("URL").fill("https://git.acme.example")
    page.get_by_label("Preset").select_option("forgejo")
    page.get_by_role("button", name="Show examples").click()
    _picture(page, "install")


def _picture(page: Any, name: str) -> None:
    page.screenshot(path=_IMAGES / f"{name}.png")
    sys.stdout.write(f"{name}.png\n")


if __name__ == "__main__":
    main()

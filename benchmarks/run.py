"""All benchmarks, as ratios against a baseline of the same run; ends with 1 when one breaks its bound."""

import sys
from collections.abc import Callable

import bulk
import crowd
import derivation
import dispatch
import errors
import flags
import frames
import ingest
import links
import listing
import owners
import precision
import scale
import served
import startup
import suspect_service
import suspects

# The least speed of a request, to a bare route.
REQUESTS = {
    "one link": 0.4,
    "a redirect": 0.4,
    "a trace of 40 frames": 0.2,
    "repositories": 0.3,
    "unauthorized": 0.6,
}
ERRORS = ("errors/first event", "errors/event of 100,000 frames", "errors/error of 10,000 calls")
AT_MOST = {
    "dispatch_100_to_1": 1.2,
    **dict.fromkeys(ERRORS, 1.0),
    "flags/decide": 40.0,
    "guarded_to_bare": 2.0,
    "startup/100 plugins that are off": 1.2,
    "startup/version": 4.0,
    "startup/link": 8.0,
    "startup/projects list": 90.0,
    **dict.fromkeys(("links/seen, to joining alone", "links/never seen, to joining alone"), 30.0),
    "links/seen, 100 times the mappings": 1.5,
    "links/never seen, 100 times the mappings": 1.5,
    "links/new folders, 100 times the mappings": 1.5,
    "listing/end_to_start": 1.3,
    **dict.fromkeys((f"scale/{what}{when}" for what in REQUESTS for when in ("", scale.BUSY)), 1.2),
    "suspects/of a release, 100 times the commits": 1.5,
    "suspects/newest, 100 times the commits": 1.5,
    "suspects/of a release, 1,000,000 commits": 50.0,
    "suspects/newest, 1,000,000 commits": 50.0,
    "ingest/memory": 300.0,
    "ingest/releases, sqlite": 1.2,
    "ingest/releases, postgresql": 1.4,
    "frames/growth on hostile lines": 2.3,
    "frames/lines with an invented place, %": 0.1,
    "bulk/load 100,000 mappings": 1.0,
    "bulk/links that differ from the service's": 0.0,
    "owners/to splitting paths": 9.0,
    "owners/ten times the rules": 1.6,
    "owners/growth on hostile patterns": 2.6,
}
AT_LEAST = {
    "frames": 0.6,
    "frames/log": 0.6,
    # The path of the product: the matches of a folder, then one URL. It is the same for seen and for new files.
    **dict.fromkeys(("links/seen", "links/never seen"), 15.0),
    **dict.fromkeys(("ingest/sqlite", "ingest/postgresql"), 0.55),
    # The service has an index that the bare side does not have.
    **dict.fromkeys((f"ingest/{name}{ingest.WITH_INDEX}" for name in ("sqlite", "postgresql")), 0.35),
    # It was 3 before new commits became cheaper, by more than known ones.
    "ingest/again": 2.0,
    "suspects/whole history, lines: first, %": 40.0,
    "suspects/whole history, lines: five, %": 64.0,
    "suspects/whole history, lines: high is right, %": 80.0,
    "suspects/release, lines: first, %": 52.0,
    "suspects/release, files: first, %": 40.0,
    # 70 and 60 % of all cases, where 76 % are possible. A third of the releases here has no commit that can be right.
    "suspects/release, lines: five of possible, %": 92.0,
    "suspects/release, files: five of possible, %": 79.0,
    "suspects/release, lines: high is right, %": 80.0,
    **dict.fromkeys((f"owners/{name}" for name in owners.FILES), 500.0),
    "derivation/precision, %": derivation.LEAST_PRECISION,
    "derivation/recall gained, points": derivation.LEAST_GAIN,
    "derivation/precision in a checkout, %": 98.0,
    "derivation/recall gained in a checkout, points": 5.0,
    "bulk/DuckDB, to a plain process": 0.8,
    "bulk/Spark, to a plain process": 0.6,
    **{f"served/{what}": bound for what, bound in REQUESTS.items()},
    **dict.fromkeys((f"served/{what}{served.ON_POSTGRESQL}" for what in REQUESTS), 0.6),
}
# The units of numbers that are no ratios.
UNITS = {
    "ingest/memory": "MB",
    "bulk/load 100,000 mappings": "s",
    **dict.fromkeys(ERRORS, "ms"),
    "suspects/of a release, 1,000,000 commits": "ms",
    "suspects/newest, 1,000,000 commits": "ms",
    **dict.fromkeys((f"owners/{name}" for name in owners.FILES), "k/s"),
}

BENCHMARKS: tuple[Callable[[], dict[str, float]], ...] = (
    dispatch.ratios,
    flags.ratios,
    frames.ratios,
    precision.ratios,
    links.ratios,
    startup.ratios,
    errors.ratios,
    crowd.ratios,
    listing.ratios,
    derivation.ratios,
    suspects.ratios,
    suspect_service.ratios,
    owners.ratios,
    bulk.ratios,
    served.ratios,
    scale.ratios,
    ingest.ratios,
)


def main() -> int:
    """Print one row for each ratio."""
    rows = [row for ratios in BENCHMARKS for row in ratios().items()]
    for name, ratio in rows:
        found = f"{name:<58}{ratio:>12,.2f} {UNITS.get(name, ''):<4}"
        print(f"{found}{_bound(name):<16}{'ok' if _holds(name, ratio) else 'BROKEN'}")
    return int(not all(_holds(name, ratio) for name, ratio in rows))


def _holds(name: str, ratio: float) -> bool:
    return AT_LEAST.get(name, 0.0) <= ratio <= AT_MOST.get(name, float("inf"))


def _bound(name: str) -> str:
    if name in AT_MOST:
        return f"at most {AT_MOST[name]:g}"
    return f"at least {AT_LEAST[name]:g}" if name in AT_LEAST else ""


if __name__ == "__main__":
    sys.exit(main())

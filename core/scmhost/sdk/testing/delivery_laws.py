"""Laws of what comes from outside: pushes, commits, commands."""

from functools import partial
from typing import Any, Final

from hypothesis import strategies as st

from scmhost.sdk import ProviderError, ProviderForbidden, ResolvedRef

from .breaches import Breach, repeated
from .calls import Answer
from .draws import bodies, branches, headers, shas
from .laws import law
from .samples import PushSample
from .search import for_all
from .subject import Subject

_PUSH: Final = ("scm_read_push",)


@law(
    "push-needs-secret",
    "A delivery that is not signed with the secret brings nothing, not even with an empty secret.",
    help="raise ProviderForbidden unless check_signature or same_secret says yes; both refuse an empty secret",
    hooks=_PUSH,
)
def push_needs_secret(subject: Subject) -> None:
    def check(drawn: tuple[dict[str, str], bytes, str]) -> None:
        answer = _delivered(subject, *drawn)
        if answer.value:
            raise Breach("nobody has signed it", answer.call)

    sample = subject.samples.push
    if sample is not None:
        _forged(subject, sample)
    events = headers if sample is None else headers | st.just({}) | st.just(_without_signature(sample))
    body = bodies if sample is None else bodies | st.just(sample.body)
    for_all(st.tuples(events, body, st.text(max_size=8)), check, subject.samples.examples)


@law(
    "push-survives-rubbish",
    "A signed delivery with any body brings pushes or a ProviderError.",
    help="validate the body with a pydantic model and turn its ValidationError into ProviderError",
    hooks=_PUSH,
)
def push_survives_rubbish(subject: Subject) -> None:
    sample = subject.samples.push
    if sample is None or not callable(sample.headers):
        return

    def check(body: bytes) -> None:
        answer = _delivered(subject, sample.signed(sample.secret, body), body, sample.secret)
        if isinstance(answer.error, ProviderForbidden):
            raise Breach("it is signed with the right secret", answer.call)

    for_all(bodies, check, subject.samples.examples)


@law(
    "push-sample-read",
    "The sample delivery is read: a push to a repository.",
    help="set push = PushSample(body=..., headers=...) to what your host really sends",
    hooks=_PUSH,
)
def push_sample_read(subject: Subject) -> None:
    sample = subject.samples.push
    if sample is None:
        return
    answer = _delivered(subject, sample.signed(sample.secret, sample.body), sample.body, sample.secret)
    if not answer.value:
        raise Breach("it holds a push", answer.call)


@law(
    "commits-once",
    "A list of commits has each commit once, and does not begin again at its base.",
    help="list what comes after base, newest first",
    hooks=("scm_compare_commits",),
)
def commits_once(subject: Subject) -> None:
    def check(drawn: tuple[str | None, str]) -> None:
        base, head = drawn
        answer, _ = subject.link("scm_compare_commits", base=base, head=head)
        shas_given = [one.sha for one in answer.value or ()]
        odd = next(iter(repeated(shas_given)), base if base in shas_given else None)
        if odd is not None:
            raise Breach(f"{odd} does not belong there", answer.call)

    ends = st.tuples(st.none() | shas, shas | branches).filter(lambda drawn: drawn[0] != drawn[1])
    for_all(ends, check, subject.samples.examples)


@law(
    "commit-is-itself",
    "The whole id of a commit resolves to that commit, or to nothing.",
    help="give None for what the repository does not have; never the nearest, never the default branch",
    hooks=("scm_resolve_ref",),
)
def commit_is_itself(subject: Subject) -> None:
    def check(sha: str) -> None:
        answer, _ = subject.link("scm_resolve_ref", ref=sha)
        found = answer.value
        if isinstance(found, ResolvedRef) and found.kind == "commit" and found.sha.lower() != sha:
            raise Breach("it is another commit", answer.call)

    for_all(shas, check, subject.samples.examples)


@law(
    "commands-run",
    "Each command has a name of its own and something to run.",
    help="give Command(name=..., summary=..., run=function)",
    hooks=("scm_register_commands",),
)
def commands_run(subject: Subject) -> None:
    answer = subject.ask("scm_register_commands")
    for name, count in repeated(command.name for command in answer.value or ()).items():
        raise Breach(f"{name!r} is there {count} times", answer.call)
    for command in answer.value or ():
        if not callable(command.run):
            raise Breach(f"{command.name!r} has nothing to run", answer.call)


LAWS: Final = (push_needs_secret, push_survives_rubbish, push_sample_read, commits_once, commit_is_itself, commands_run)


def _delivered(subject: Subject, sent: Any, body: bytes, secret: str) -> Answer:
    return subject.ask("scm_read_push", installation=subject.installation, headers=dict(sent), body=body, secret=secret)


def _forged(subject: Subject, sample: PushSample) -> None:
    """The sample with another secret, or with another body under the same signature."""
    good = sample.signed(sample.secret, sample.body)
    deliver = partial(_delivered, subject, good)
    for answer in (deliver(sample.body, f"{sample.secret}x"), deliver(sample.body, "")):
        _refused(answer)
    tampered = deliver(sample.body.replace(b"a", b"b", 1), sample.secret)
    if tampered.value and callable(sample.headers) and sample.signed(sample.secret, b"other") != good:
        raise Breach("the body is not the one that was signed", tampered.call)


def _refused(answer: Answer) -> None:
    if not isinstance(answer.error, ProviderForbidden):
        told = "raise ProviderForbidden" if isinstance(answer.error, ProviderError) else "it must not be believed"
        raise Breach(f"it was signed with another secret: {told}", answer.call)


def _without_signature(sample: PushSample) -> dict[str, str]:
    """The sample's headers, less all that depends on the secret."""
    first, second = (sample.signed(secret, sample.body) for secret in ("one", "two"))
    return (
        {name: value for name, value in first.items() if second.get(name) == value} if callable(sample.headers) else {}
    )

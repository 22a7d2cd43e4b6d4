"""Push webhooks of Custom SCM. The bodies under cases/push are those of the hosts; the tests sign them."""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scmhost.sdk import CommitDraft, ProviderError, ProviderForbidden, Push
from scmhost_custom_scm import plugin

Case = dict[str, Any]

CASES = Path(__file__).parent / "cases"
SECRET = "correct horse battery staple"
# The signatures of the hosts, in the headers of the cases.
SIGNATURES = ("{sha256}", "{standard}", "{secret}")


def load(subject: str) -> list[Case]:
    """Load the cases of a subject, in the order of their files."""
    return [case for path in sorted((CASES / subject).glob("*.json")) for case in json.loads(path.read_text("utf-8"))]


PUSHES = load("push")
REFUSED = load("refused_push")
# One of each format and each signature.
SIGNED = [case for case in PUSHES if case["id"].endswith((" push", "ping", "token", "two refs"))]

each_case = pytest.mark.parametrize("case", PUSHES, ids=lambda case: case["id"])
each_format = pytest.mark.parametrize("case", SIGNED, ids=lambda case: case["id"])


def body_of(case: Case) -> bytes:
    """Return the bytes of a body."""
    text = json.dumps(case["body"])
    return (urlencode({"payload": text}) if case.get("form") else text).encode()


def sent(headers: Mapping[str, str], body: bytes, secret: str) -> dict[str, str]:
    """Return the headers of a request that is signed with a secret, in lower case."""
    lower = {name.lower(): value for name, value in headers.items()}
    # A header may contain a lone surrogate.
    head = f"{lower.get('webhook-id')}.{lower.get('webhook-timestamp')}.".encode("utf-8", "surrogatepass")
    signatures = {
        "{secret}": secret,
        "{sha1}": hmac.new(secret.encode(), body, hashlib.sha1).hexdigest(),
        "{sha256}": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
        "{standard}": b64encode(hmac.new(key_of(secret), head + body, hashlib.sha256).digest()).decode(),
    }
    for mark, signature in signatures.items():
        lower = {name: value.replace(mark, signature) for name, value in lower.items()}
    return lower


def key_of(secret: str) -> bytes:
    """Return the key in a signing token."""
    return b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else b"none"


def read(case: Case, body: bytes | None = None) -> Sequence[Push]:
    """Read the push of a case, or its headers with another body."""
    secret = case.get("secret", SECRET)
    content = body_of(case) if body is None else body
    return plugin.scm_read_push(headers=sent(case["headers"], content, secret), body=content, secret=secret)


@each_case
def test_a_push_is_read(case: Case) -> None:
    """Each commit has author, time and files; the number of unlisted commits is kept."""
    assert list(read(case)) == [Push.model_validate_json(json.dumps(push)) for push in case["pushes"]]


@each_format
def test_another_secret_is_refused(case: Case) -> None:
    """A request that is signed with another secret is refused."""
    body, secret = body_of(case), case.get("secret", SECRET)
    for other in ("another secret", "whsec_YW5vdGhlcg==", secret.upper(), ""):
        with pytest.raises(ProviderForbidden, match=r"is missing, or was made with another secret"):
            plugin.scm_read_push(headers=sent(case["headers"], body, other), body=body, secret=secret)


@each_format
@pytest.mark.parametrize("sha1", [True, False])
def test_without_a_signature_it_is_refused(case: Case, sha1: bool) -> None:  # noqa: FBT001 - a case
    """A request without a signature, or with the old SHA-1 signature alone, is refused."""
    bare = {name: value for name, value in case["headers"].items() if not any(mark in value for mark in SIGNATURES)}
    headers = {**bare, "X-Hub-Signature": "sha1={sha1}"} if sha1 else bare
    with pytest.raises(ProviderForbidden):
        read({**case, "headers": headers})


@pytest.mark.parametrize(
    "case",
    [case for case in SIGNED if "{secret}" not in case["headers"].values()],
    ids=lambda case: case["id"],
)
def test_a_signature_is_valid_for_one_body(case: Case) -> None:
    """A signature of another body is refused."""
    secret = case.get("secret", SECRET)
    with pytest.raises(ProviderForbidden):
        plugin.scm_read_push(
            headers=sent(case["headers"], body_of(case), secret), body=body_of(case) + b" ", secret=secret
        )


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!", "whsec_é", "whsec_YQ"])
def test_an_empty_secret_accepts_nothing(secret: str) -> None:
    """With an empty secret, or a signing token without a valid key, each request is refused."""
    case = next(case for case in PUSHES if "secret" in case)
    body = body_of(case)
    head = f"{case['headers']['webhook-id']}.{case['headers']['webhook-timestamp']}.".encode()
    proof = b64encode(hmac.new(b"", head + body, hashlib.sha256).digest()).decode()
    headers = {**sent(case["headers"], body, SECRET), "webhook-signature": f"v1,{proof}"}
    with pytest.raises(ProviderForbidden):
        plugin.scm_read_push(headers=headers, body=body, secret=secret)


def test_one_valid_signature_of_several_is_enough() -> None:
    """While a signing token is replaced, GitLab may send a signature of each token."""
    case = next(case for case in PUSHES if "secret" in case)
    headers = {**case["headers"], "webhook-signature": "v1,b3RoZXI= v1,{standard}"}
    assert len(read({**case, "headers": headers})) == 1


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json"}, {"x-hub-signature-256": "sha256=0"}])
def test_an_unknown_host_gets_a_hint(headers: dict[str, str]) -> None:
    """The error for an unknown host names the header of the plain format."""
    with pytest.raises(ProviderForbidden, match="X-Scmhost-Signature"):
        plugin.scm_read_push(headers=headers, body=b"{}", secret=SECRET)


def test_the_signature_is_checked_before_the_body() -> None:
    """An invalid body with an invalid signature is refused for the signature."""
    with pytest.raises(ProviderForbidden):
        plugin.scm_read_push(headers={"x-github-event": "push"}, body=b"rubbish", secret=SECRET)


def test_a_full_list_may_lack_commits() -> None:
    """GitHub lists at most 2048 commits without a count; a full list has one unlisted commit."""
    case = PUSHES[[case["id"] for case in PUSHES].index("github push")]
    commit = case["body"]["commits"][0]
    commits = [{**commit, "id": f"{number:040x}"} for number in range(2048)]
    pushed = [read({**case, "body": {**case["body"], "commits": commits[first:]}})[0] for first in (0, 1)]
    assert [(len(push.commits), push.unlisted) for push in pushed] == [(2048, 1), (2047, 0)]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["id"])
def test_an_invalid_body_is_refused_with_its_field(case: Case) -> None:
    """The error names the invalid field."""
    like = next(known for known in PUSHES if known["id"] == case["like"])
    body = case["text"].encode("utf-8", "surrogatepass") if "text" in case else json.dumps(case["body"]).encode()
    with pytest.raises(ProviderError, match=r"^The body of the push cannot be read: ") as refused:
        read(like, body)
    assert not isinstance(refused.value, ProviderForbidden)
    assert case["says"] in str(refused.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@st.composite
def changed_bodies(draw: st.DrawFn) -> tuple[Case, bytes]:
    """Draw a recorded body with one value replaced by another value."""
    case = draw(st.sampled_from(PUSHES))
    body = json.loads(json.dumps(case["body"]))
    node = body
    while True:
        key = draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], dict | list) or not node[key] or draw(st.booleans()):
            break
        node = node[key]
    node[key] = draw(json_values)
    return case, json.dumps(body).encode()


def answer_to(case: Case, body: bytes) -> Sequence[Push] | str:
    """Return the pushes of a body, or the text of the error."""
    try:
        return read(case, body)
    except ProviderError as refused:
        return str(refused)


@given(changed_bodies())
def test_a_changed_body_is_read_or_refused(changed: tuple[Case, bytes]) -> None:
    """For any value in one field, the answer is pushes or an error about the body."""
    answer = answer_to(*changed)
    if isinstance(answer, str):
        assert answer.startswith("The body of the push cannot be read: ")
    else:
        assert all(isinstance(commit, CommitDraft) for push in answer for commit in push.commits)


header_names = st.sampled_from(sorted({name.lower() for case in PUSHES for name in case["headers"]}))
header_values = st.sampled_from(["push", "Push Hook", "repo:push", "repo:refs_changed", "{sha256}", "{secret}"])


@example(headers={"webhook-id": "\ud800"}, body=b"", secret=SECRET)
@given(
    headers=st.dictionaries(header_names, header_values | st.text(st.characters(), max_size=20), max_size=5),
    body=st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()),
    secret=st.sampled_from([SECRET, "", "whsec_YQ=="]),
)
def test_random_requests_are_read_or_refused(headers: dict[str, str], body: bytes, secret: str) -> None:
    """For any headers and bytes, the answer is pushes or a ``ProviderError``."""
    try:
        answer = plugin.scm_read_push(headers=sent(headers, body, secret), body=body, secret=secret)
    except ProviderError:
        return
    assert all(isinstance(push, Push) for push in answer)

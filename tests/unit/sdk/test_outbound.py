"""Connections that the operator allows: public addresses, and what is on the list."""

import asyncio
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from scmhost.plugins import read_settings
from scmhost.plugins.errors import ConfigError, Origin
from scmhost.plugins.isolation.guard import Guard, Implementation
from scmhost.sdk import HOOK_SPECS, ApiClient, ProviderError, ProviderUnavailable, http_transport
from scmhost.sdk.execution import ANY_ADDRESS, OUTBOUND, OutboundPolicy, allowed_host, is_public
from scmhost.sdk.http_transport import Resolver, resolve
from scmhost.sdk.validation import result_adapter, result_text

PRIVATE = OutboundPolicy.of(deny_private=True)


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.16.5.4", "192.168.1.1", "127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254"),  # noqa: S104
        *("100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "240.0.0.1"),
        *("255.255.255.255", "192.88.99.1", "::", "::1", "fe80::1", "fc00::1", "fd12::1", "fec0::1", "ff02::1"),
        *("2001:db8::1", "64:ff9b:1::1", "5f00::1"),
        # An IPv4 address inside of an IPv6 address.
        *("::ffff:10.0.0.1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::"),
    ],
)
def test_special_addresses_are_not_public(address: str) -> None:
    """Neither directly, nor through a translator or a tunnel."""
    assert not is_public(ip_address(address))
    assert not PRIVATE.allows("git.example.com", [address])


@pytest.mark.parametrize("address", ["8.8.8.8", "217.197.84.140", "2a0a:4580:103f:c0de::2", "64:ff9b::8.8.8.8"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    """The usual case, also behind a translator of an IPv6 network."""
    assert is_public(ip_address(address))
    assert PRIVATE.allows("codeberg.org", [address])


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:{}", "64:ff9b::{}"]))
def test_the_form_of_an_address_does_not_matter(address: object, form: str) -> None:
    """An IPv4 address is public in all its forms or in none."""
    assert is_public(ip_address(form.format(address))) == is_public(ip_address(str(address)))


def test_one_refused_address_refuses_the_host() -> None:
    """A name with a public and a private address would be a way around the rule."""
    assert not PRIVATE.allows("git.example.com", ["8.8.8.8", "10.0.0.1"])


def test_a_scope_is_no_part_of_an_address() -> None:
    """Resolvers return link-local addresses with the name of the interface."""
    assert not PRIVATE.allows("git.example.com", ["fe80::1%eth0"])


def test_without_the_rule_everything_is_allowed() -> None:
    """The default: operators run code hosts in their own network."""
    assert ANY_ADDRESS.allows("git.intern.example", ["10.0.0.1"])


@pytest.mark.parametrize("entry", ["git.intern.example", "GIT.intern.example.", "10.1.2.3", "10.1.0.0/16"])
def test_listed_hosts_are_allowed(entry: str) -> None:
    """By name in any case, by address, or by network."""
    policy = OutboundPolicy.of(deny_private=True, allow=[entry])
    assert policy.allows("git.INTERN.example", ["10.1.2.3"])
    assert not policy.allows("evil.git.intern.example.org", ["10.9.2.3"])


@pytest.mark.parametrize(
    "entry", ["https://git.example.com", "git.example.com:8080", "git.example.com/x", "", "*", "10.1", "10.1.2.3/8"]
)
def test_other_entries_are_refused(entry: str) -> None:
    """A scheme, a port or a pattern would never match, and nobody would notice."""
    with pytest.raises(ValueError, match="is no host; write a name such as"):
        allowed_host(entry)


def attempt(policy: OutboundPolicy, resolver: Resolver, host: str = "git.example.com") -> ProviderError:
    """Return the error of a request to port 1 under a policy."""

    async def whole() -> None:
        OUTBOUND.set(policy)
        client = ApiClient(f"http://{host}:1", resolver=resolver)
        try:
            await client.request("GET", "x")
        finally:
            await client.aclose()

    with pytest.raises(ProviderError) as caught:
        asyncio.run(whole())
    return caught.value


def resolver_of(*addresses: str) -> Resolver:
    """Return a resolver that has the same addresses for every name."""

    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolve


def test_a_private_address_is_not_connected_to() -> None:
    """The text names the host and the setting, and not the address."""
    error = attempt(PRIVATE, resolver_of("10.20.30.40"))
    assert type(error) is ProviderError
    assert "git.example.com is not at a public address" in str(error)
    assert "[host.outbound]" in str(error)
    assert "10.20.30.40" not in str(error)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "2130706433", "[::ffff:127.0.0.1]"])
def test_an_address_in_the_url_is_checked_too(host: str) -> None:
    """Also in odd forms that the system's resolver understands."""
    with suppress(ProviderUnavailable):
        error = attempt(PRIVATE, resolve, host)
        assert "is not at a public address" in str(error)
        return
    pytest.fail("it tried to connect")


def test_a_name_is_resolved_once_for_check_and_connection() -> None:
    """A second answer of the name server, with a private address, is never asked for (DNS rebinding)."""
    asked: list[str] = []

    async def rebind(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["10.0.0.1"] if len(asked) > 1 else ["127.0.0.1"]

    error = attempt(OutboundPolicy.of(deny_private=True, allow=["127.0.0.1"]), rebind)
    assert isinstance(error, ProviderUnavailable)
    assert asked == ["git.example.com"]


def test_the_next_address_is_tried() -> None:
    """A host with two addresses, of which one does not answer."""

    async def whole() -> str:
        OUTBOUND.set(OutboundPolicy.of(deny_private=True, allow=["git.example.com"]))

        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            writer.close()
            await writer.wait_closed()

        listener = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        client = ApiClient(f"http://git.example.com:{port}", resolver=resolver_of("::1", "127.0.0.1"))
        text = (await client.request("GET", "x")).text
        await client.aclose()
        listener.close()
        return text

    assert asyncio.run(whole()) == "ok"


def certificate(folder: Path, name: str) -> Path:
    """Write a certificate for a name that vouches for itself, with its key. Return its path."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / "certificate.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.mark.parametrize(("host", "problem"), [("git.example.com", ""), ("other.example.com", "certificate")])
def test_the_certificate_is_checked_against_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, problem: str
) -> None:
    """Although the connection is made to an address."""
    path = certificate(tmp_path, "git.example.com")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    http_transport._ssl_context.cache_clear()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        writer.close()

    async def whole() -> str:
        OUTBOUND.set(OutboundPolicy.of(deny_private=True, allow=["127.0.0.0/8"]))
        listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        port = listener.sockets[0].getsockname()[1]
        client = ApiClient(f"https://{host}:{port}", resolver=resolver_of("127.0.0.1"))
        try:
            return (await client.request("GET", "x")).text
        except ProviderUnavailable as error:
            return str(error)
        finally:
            await client.aclose()
            listener.close()

    answer = asyncio.run(whole())
    http_transport._ssl_context.cache_clear()
    assert problem in answer
    assert (answer == "ok") == (not problem)


def test_the_policy_is_read_from_the_configuration(tmp_path: Path) -> None:
    """It reaches the hook that runs, and no other code."""
    text = 'schema = 1\n[host]\noutbound = { deny_private = true, allow = ["git.intern.example"] }\n'
    (tmp_path / "plugins.toml").write_text(text, encoding="utf-8")
    policy = read_settings(tmp_path / "plugins.toml", {}).host.outbound.policy
    assert policy == OutboundPolicy(deny_private=True, allow=frozenset({"git.intern.example"}))
    seen: list[OutboundPolicy] = []

    async def hook() -> None:
        seen.append(OUTBOUND.get())

    guard = Guard(outbound=policy)
    name = "scm_shutdown"
    origin = Origin("forge", "acme-forge", name)
    guard.call(Implementation(origin, HOOK_SPECS[name], hook, (), result_adapter(name), result_text(name)), {})
    guard.close()
    assert seen == [policy]
    assert OUTBOUND.get() == ANY_ADDRESS


def test_a_wrong_entry_is_reported_with_its_line(tmp_path: Path) -> None:
    """As every mistake in the file."""
    (tmp_path / "plugins.toml").write_text('schema = 1\n[host.outbound]\nallow = ["https://x"]\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"plugins.toml:3: host.outbound.allow.*'https://x' is no host"):
        read_settings(tmp_path / "plugins.toml", {})

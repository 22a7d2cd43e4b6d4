"""The cause of a database's fault is named to the operator, and to nobody else."""

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from scmhost.infra.db.engine import Store
from scmhost.infra.db.errors import StoreError, StoreUnreachable, translate
from scmhost.infra.errors import ScmhostError

URL = "postgresql://ada:***@db.example/links"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('FATAL:  password authentication failed for user "ada"', "the user or the password is wrong"),
        ("fe_sendauth: no password supplied", "the user or the password is wrong"),
        ('FATAL:  role "ada" does not exist', "no such user"),
        ('FATAL:  database "links" does not exist', "no database of this name"),
        ('could not translate host name "db.example" to address: Name or service not known', "host name is unknown"),
        ("[Errno -2] Name or service not known", "host name is unknown"),
        ('connection to server at "db.example", port 5432 failed: Connection refused', "nothing listens"),
        ("connection timeout expired", "gives no answer"),
        ('no pg_hba.conf entry for host "10.0.0.9", user "ada", database "links", SSL off', "pg_hba.conf"),
        ("server does not support SSL, but SSL was required", "TLS fails"),
        ("SSL error: certificate verify failed", "TLS fails"),
        ("something else", "check that it runs and that its address and access are right"),
    ],
)
def test_fault_of_a_connection_names_its_cause(text: str, cause: str) -> None:
    """The text for the operator has the database and the cause; the text for callers has neither."""
    own = translate(OperationalError("", {}, psycopg.OperationalError(f"connection failed: {text}")), URL)
    assert isinstance(own, StoreUnreachable)
    assert (URL in str(own), cause in str(own)) == (True, True), own
    assert own.public == "The database does not answer; see the log of the service."


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:hunt@er2@db.example/links",
        "postgresql://ada:hunt@er2/x@db.example/links",
        "postgresql://ada:hunt@er2:5432@db.example/links",
        "postgresql://ada:hunt@er2",
    ],
)
def test_a_password_with_an_at_sign_is_never_shown(url: str) -> None:
    """The URL is refused with the way to write it; or the rest of the password is refused as the host of a database."""
    with pytest.raises(ScmhostError) as refused:
        Store.open(url).ping()
    assert "hunt" not in str(refused.value)
    if url.count("@") > 1:
        assert isinstance(refused.value, StoreError)
        assert ("%40" in str(refused.value), "er2" in str(refused.value)) == (True, False)


def test_a_password_with_a_slash_works() -> None:
    """A slash and a percent sign are parts of a password, and are hidden as all of it."""
    for password in ("hun/ter2", "hunter2%2Fx", "hunter2%40x"):
        store = Store.open(f"postgresql://ada:{password}@127.0.0.1:1/links")
        with pytest.raises(StoreUnreachable, match="nothing listens") as refused:
            store.ping()
        assert "hun" not in str(refused.value)
        store.close()


@pytest.mark.postgresql
def test_a_missing_database_is_named(postgres_url: str) -> None:
    """A real server: the database does not exist."""
    head, _, rest = postgres_url.partition("?")
    store = Store.open(f"{head.rpartition('/')[0]}/no_such_database{'?' if rest else ''}{rest}")
    with pytest.raises(StoreUnreachable, match="no database of this name"):
        store.ping()
    store.close()

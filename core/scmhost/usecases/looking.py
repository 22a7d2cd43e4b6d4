"""What a question to the database needs before it is asked: that there is one. A look makes and changes none."""

from scmhost.kernel.errors import NotFound, Unavailable

from .services import Services


def check_database(services: Services) -> None:
    """That there is a database, with the tables of this version.

    Raises:
        NotFound: there is none yet.
        Unavailable: it does not answer, or its tables are of another version.
    """
    store = services.store
    if store.file is not None and not store.file.exists():
        raise NotFound(f"there is no database {store.file} yet; scmhost bootstrap makes it, with an organization")
    if not store.is_current():
        raise Unavailable(f"the tables of {store.url_without_password} are not of this version; run scmhost migrate")

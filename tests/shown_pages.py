"""A service with sample data over HTTP, for a real browser: its tests and the screenshots of the documentation."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from api import ApiClient, commit, open_api
from indexing import index_files
from scmhost.links.missing import save_missing
from scmhost.organizations import people
from scmhost.redirects.keys import create_key
from serving import free_port

SHOP = ("shop/cart.py", "shop/prices.py", "shop/checkout/payment.py", "shop/__main__.py", "tests/test_cart.py")
SITE = ("src/components/Basket.tsx", "src/lib/money.ts", "src/index.tsx")

TRACE = """\
Traceback (most recent call last):
  File "/srv/shop/shop/__main__.py", line 14, in main
    receipt = checkout(cart)
  File "/srv/shop/shop/checkout/payment.py", line 87, in checkout
    amount = total(cart)
  File "/srv/shop/shop/cart.py", line 41, in total
    return sum(price(item) for item in cart.items)
  File "/usr/lib/python3.12/decimal.py", line 1024, in __add__
    self._check_nans(other)
  File "/builds/worker/site/src/lib/money.ts", line 9, in format
  File "/opt/old/shop/legacy.py", line 3, in main
decimal.InvalidOperation: [<class 'decimal.ConversionSyntax'>]
"""


@contextmanager
def open_sample(folder: Path) -> Iterator[ApiClient]:
    """Open a service with an organization that has repositories, commits, mappings and people."""
    with open_api(folder, background=False) as api:
        installation = api.install(name="Acme Forge", url="https://git.acme.example", preset="forgejo")
        for name, files in (("team/shop", SHOP), ("team/site", SITE)):
            repository = api.repository(name, f"https://git.acme.example/{name}")
            assert api.claim(repository, installation).status_code == 201
            changes = [{"path": path, "type": "A"} for path in files]
            sha = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
            api.post("commits/", {"commits": [commit(sha, name, patch_set=changes)]})
            if name == "team/shop":
                api.mapping(repository, installation, stackRoot="/srv/shop/", sourceRoot="")
                api.mapping(repository, installation, stackRoot="/srv/shop/shop/checkout/", sourceRoot="shop/checkout/")
        index_files(api.services, api.there.organization)
        _add_things(api)
        yield api


def _add_things(api: ApiClient) -> None:
    """Add what pages of lists show: a release, unclaimed and hidden repositories, and frames without a link."""
    head, before = (hashlib.sha1(text, usedforsecurity=False).hexdigest() for text in (b"head", b"before"))
    commits = [
        commit(head, "team/shop", message="cart: round prices once", patch_set=[{"path": SHOP[0], "type": "M"}]),
        commit(before, "team/shop", message="checkout: accept vouchers", patch_set=[{"path": SHOP[2], "type": "A"}]),
    ]
    refs = [{"repository": "team/shop", "commit": f"{before}..{head}"}]
    api.release("1.4.2", commits=commits, refs=refs)
    api.post("releases/1.4.2/deploys/", {"environment": "production", "name": "blue"})
    api.repository("team/docs", "https://git.acme.example/team/docs")
    old = api.repository("team/monolith", "https://git.acme.example/team/monolith")
    api.put(f"repos/{old['id']}/", {"status": "hidden"})
    for path, times in (("/opt/old/shop/legacy.py", 7), ("/builds/worker/site/src/index.tsx", 3), ("/usr/lib/x.py", 1)):
        for _ in range(times):
            api.link(file=path)
    save_missing(api.services)


@contextmanager
def served(api: ApiClient) -> Iterator[str]:
    """Serve an application on a free port, in a thread; yield its address."""
    port = free_port()
    config = uvicorn.Config(api.client.app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def link_for(api: ApiClient, name: str = "Ada Lovelace", *, host_admin: bool = False) -> str:
    """Invite an administrator of the organization, and return the path of the link to sign in."""
    invited = people.invite(api.services, api.there.organization, name, role="admin", host_admin=host_admin)
    return f"/sign-in?link={invited.text}"


def redirect_for(api: ApiClient, path: str, **query: str) -> str:
    """Create a redirect key, and return the address of a redirect for a frame."""
    _, key = create_key(api.services, api.there.organization, "sentry")
    return "&".join([f"/r/{key}?file={path}", *(f"{name}={value}" for name, value in query.items())])

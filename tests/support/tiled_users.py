"""A Tiled server with users, who make API keys of fewer scopes than they have: the one of a single user cannot."""

import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from camsortxs_agent.demo.processes import child, free_port, wait_until

_USER, _PASSWORD = "beamline", "open sesame"


@dataclass(frozen=True, kw_only=True)
class TiledUsers:
    """Where the server listens, and what a user of it shows to be let in."""

    uri: str
    token: str

    def make_key(self, scopes: Sequence[str]) -> str:
        """Return what `tiled api_key create --scopes ...` prints."""
        answer = httpx.post(
            f"{self.uri}/api/v1/auth/apikey",
            headers={"Authorization": f"Bearer {self.token}"},
            json={"scopes": list(scopes), "access_tags": None, "expires_in": None, "note": "camsortxs"},
        )
        return str(answer.raise_for_status().json()["secret"])


@contextmanager
def tiled_with_users(folder: Path, *, timeout: float = 60.0) -> Iterator[TiledUsers]:
    """Run a Tiled server on the loopback interface for the length of the block; its one user has the role `user`."""
    data = folder / "data"
    data.mkdir()
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    configuration = {
        "authentication": {
            "providers": [
                {
                    "provider": "local",
                    "authenticator": "tiled.authenticators:DictionaryAuthenticator",
                    "args": {"users_to_passwords": {_USER: _PASSWORD}},
                }
            ],
            "secret_keys": [secrets.token_hex(32)],
        },
        "database": {"uri": f"sqlite:///{folder / 'users.db'}", "init_if_not_exists": True},
        "uvicorn": {"host": "127.0.0.1", "port": port},
        "trees": [
            {
                "path": "/",
                "tree": "catalog",
                "args": {
                    "uri": f"sqlite:///{folder / 'catalog.db'}",
                    "init_if_not_exists": True,
                    "writable_storage": [str(data), f"sqlite:///{folder / 'tables.db'}"],
                },
            }
        ],
    }
    settings, log = folder / "tiled.yml", folder / "tiled.log"
    settings.write_text(yaml.safe_dump(configuration))
    with child([sys.executable, "-m", "tiled", "serve", "config", str(settings)], log=log) as process:
        wait_until(lambda: _healthy(uri), process=process, name="Tiled", log=log, timeout=timeout)
        yield TiledUsers(uri=uri, token=_log_in(uri))


def _healthy(uri: str) -> bool:
    try:
        return httpx.get(f"{uri}/healthz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _log_in(uri: str) -> str:
    answer = httpx.post(
        f"{uri}/api/v1/auth/provider/local/token", data={"username": _USER, "password": _PASSWORD}
    )  # fmt: skip
    return str(answer.raise_for_status().json()["access_token"])

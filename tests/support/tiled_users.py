"""A Tiled server with users, who make API keys of fewer scopes than they have: the one of a single user cannot."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from camsortxs_agent.demo.tiled_server import served_tiled

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
    more = {
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
    }
    with served_tiled(folder, more, timeout=timeout) as uri:
        yield TiledUsers(uri=uri, token=_log_in(uri))


def _log_in(uri: str) -> str:
    answer = httpx.post(
        f"{uri}/api/v1/auth/provider/local/token", data={"username": _USER, "password": _PASSWORD}
    )  # fmt: skip
    return str(answer.raise_for_status().json()["access_token"])

"""Certificates of an authority of our own, on both sides of a connection."""

import ssl
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)


def server_side(authority: trustme.CA, *, host: str = "127.0.0.1", mutual: bool = False) -> ssl.SSLContext:
    """Return a server's side of TLS, with a certificate for a host; `mutual`: it asks the client for one, too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    if mutual:
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def write_client_side(authority: trustme.CA, folder: Path, *, password: str) -> dict[str, str]:
    """Write a client's certificate, its key, encrypted, and the authority's certificate; return the settings for it."""
    paths = {name: folder / file for name, file in (("ca", "ca.pem"), ("certificate", "it.pem"), ("key", "it.key"))}
    authority.cert_pem.write_to_path(paths["ca"])
    client = authority.issue_cert("camsortxs@example.org")
    paths["certificate"].write_bytes(b"".join(part.bytes() for part in client.cert_chain_pems))
    key = load_pem_private_key(client.private_key_pem.bytes(), None)
    encrypted = BestAvailableEncryption(password.encode())
    paths["key"].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encrypted))
    return {f"ssl_{name}_location": str(path) for name, path in paths.items()} | {"ssl_key_password": password}

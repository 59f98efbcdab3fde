"""Neighbours: other users of this machine, who reach its loopback addresses as its owner does.

Linux says whose a connection is; elsewhere, and across containers, nothing is known and nobody is refused.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from pathlib import Path

Address = tuple[str, int]
TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"


def is_neighbour(client: Address, server: Address) -> bool:
    """Whether a connection is of another user of this machine; root, who may read everything anyway, is none."""
    owner = owner_of(client, server)
    return owner is not None and owner not in (0, os.getuid())


def owner_of(client: Address, server: Address) -> int | None:
    """User id of who opened a connection on this machine, by its two ends; ``None`` where that is not known."""
    try:
        wanted = (_end(*client), _end(*server))
    except ValueError:  # no address: a name, or a socket of the file system
        return None
    for table in TABLES:
        for local, remote, state, owner in _connections(table):
            if state == _ESTABLISHED and (_parsed(local), _parsed(remote)) == wanted:
                return owner
    return None


def _connections(table: Path) -> Iterator[tuple[str, str, str, int]]:
    try:
        lines = table.read_text("ascii").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        parts = line.split()
        yield parts[1], parts[2], parts[3], int(parts[7])


def _end(host: str, port: int) -> tuple[str, int]:
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address), port


def _parsed(end: str) -> tuple[str, int]:
    """An end of a connection as the kernel writes it: words of 4 bytes, each in the machine's order."""
    host, _, port = end.partition(":")
    words = (bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8))
    return _end(str(ipaddress.ip_address(b"".join(words))), int(port, 16))

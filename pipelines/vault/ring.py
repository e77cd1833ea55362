"""The vault's key pair: the public half closes records, the private half takes two holders.

For each pair of holders the private key is cut into two shares, one random, the other the private
key XOR the random one; each share is sealed for its holder. One share says nothing (a one-time
pad), two of one pair give the key, and any two of n holders are a pair.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from config.errors import ConfigurationError
from pipelines.vault.seal import KEY_BYTES, open_sealed, public_bytes, seal

__all__ = ["Ring", "make_ring", "open_ring", "ring_from_json", "ring_to_json"]

_PURPOSE = b"share"


@dataclass(frozen=True)
class Ring:
    """Holders' public keys and, for each pair of their names, the two sealed shares."""

    public: bytes
    holders: dict[str, bytes]
    shares: dict[tuple[str, str], tuple[bytes, bytes]]


def make_ring(holders: Mapping[str, bytes]) -> tuple[Ring, bytes]:
    """Return a new ring for ``holders`` (name -> public key), and its private key.

    Raises
    ------
    ConfigurationError
        ``VAULT_TWO_HOLDERS`` with fewer than two holders, or two that share one key.
    """
    if len(holders) < 2 or len(set(holders.values())) < len(holders):
        raise ConfigurationError("VAULT_TWO_HOLDERS", f"{len(set(holders.values()))} keys")
    private = secrets.token_bytes(KEY_BYTES)
    shares = {}
    for one, two in combinations(sorted(holders), 2):
        pad = secrets.token_bytes(KEY_BYTES)
        parts = (holders[one], pad), (holders[two], _xor(private, pad))
        first, second = (seal(public, share, _PURPOSE) for public, share in parts)
        shares[one, two] = first, second
    return Ring(public_bytes(private), dict(holders), shares), private


def open_ring(ring: Ring, given: Mapping[str, bytes]) -> bytes:
    """Return the private key of the vault.

    Parameters
    ----------
    given : Mapping
        Exactly two holders' names and private keys.

    Raises
    ------
    ConfigurationError
        ``VAULT_TWO_HOLDERS`` unless both are registered and each comes with its own key.
    """
    one, two = sorted(given) if len(given) == 2 else ("", "")
    if (one, two) not in ring.shares:
        raise ConfigurationError("VAULT_TWO_HOLDERS", f"{len(given)} given")
    if any(public_bytes(given[name]) != ring.holders[name] for name in (one, two)):
        raise ConfigurationError("VAULT_TWO_HOLDERS", "a key is not the holder's")
    first, second = ring.shares[one, two]
    return _xor(open_sealed(given[one], first, _PURPOSE), open_sealed(given[two], second, _PURPOSE))


def ring_to_json(ring: Ring) -> str:
    """Return the ring as text; there is no secret in it."""
    shares = [[a, b, x.hex(), y.hex()] for (a, b), (x, y) in sorted(ring.shares.items())]
    holders = {name: key.hex() for name, key in ring.holders.items()}
    facts = {"public": ring.public.hex(), "holders": holders, "shares": shares}
    return json.dumps(facts, sort_keys=True)


def ring_from_json(text: str) -> Ring:
    """Return the ring that `ring_to_json` wrote."""
    facts = json.loads(text)
    return Ring(
        bytes.fromhex(facts["public"]),
        {name: bytes.fromhex(key) for name, key in facts["holders"].items()},
        {(a, b): (bytes.fromhex(x), bytes.fromhex(y)) for a, b, x, y in facts["shares"]},
    )


def _xor(one: bytes, two: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, two, strict=True))

"""Personal identifiers to keyed pseudonyms, at the edge and for good.

Belongs here: normalising and hashing an identifier, and the tombstones that keep an erased one
from coming back. Does not belong here: keeping the key or the tombstones.

An unkeyed hash of a phone number is guessed within hours, so the hash is keyed (HMAC-SHA256); the
first 128 bits are kept, which makes an accidental meeting of two people among a billion less
likely than 1 in 10^20.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

_LENGTH = 32  # hex digits
_SHA256_BLOCK = 64  # bytes


@dataclass(frozen=True)
class Tombstones:
    """Erased pseudonyms, known by a mark under a second key, and what stands in their place.

    The pseudonym itself is not kept: only who holds the key and is given the identifier again can
    tell that a row belongs to somebody who was erased.

    Attributes:
        key: the second key, see `of`.
        replacements: mark of an erased pseudonym -> the random one in its place.
    """

    key: bytes
    replacements: Mapping[str, str]

    @classmethod
    def of(cls, key: bytes, replacements: Mapping[str, str]) -> Tombstones:
        """Return the tombstones of an installation; the second key is derived from its key."""
        return cls(hmac.digest(key, b"tombstone", "sha256"), replacements)

    def mark(self, pseudonym: str) -> str:
        """Return what a pseudonym is known by once it is erased; 32 hex digits."""
        return hmac.digest(self.key, pseudonym.encode(), "sha256").hex()[:_LENGTH]

    def instead(self, pseudonym: str) -> str:
        """Return the pseudonym, or what stands in its place if it was erased."""
        return self.replacements.get(self.mark(pseudonym), pseudonym)


def random_pseudonym() -> str:
    """Return 32 random hex digits: a pseudonym that belongs to nobody."""
    return secrets.token_hex(_LENGTH // 2)


def pseudonyms(
    values: pl.Series, key: bytes, namespace: str, tombstones: Tombstones | None = None
) -> pl.Series:
    """Replace identifiers by pseudonyms.

    Args:
        values: text, one identifier a row; case and surrounding space do not matter.
        key: the secret key of the installation.
        namespace: identifiers of different namespaces never meet.
        tombstones: pseudonyms that were erased and get their replacement instead.

    Returns:
        32 hex digits a row, null where the identifier is null or blank.
    """
    # Hash each person once: a month of events has five times as many rows as visitors.
    people = values.drop_nulls().unique()
    normal = people.str.normalize("NFKC").str.strip_chars().str.to_lowercase()
    digest = _hmac_sha256(key, f"{namespace}\x1f".encode())
    digests = [digest(person.encode())[:_LENGTH] if person else None for person in normal.to_list()]
    if tombstones is not None and tombstones.replacements:
        digests = [tombstones.instead(digest) if digest else None for digest in digests]
    if not digests:
        return pl.Series(values.name, [None] * len(values), pl.String)
    keys = pl.Series(digests, dtype=pl.String)
    return values.replace_strict(people, keys, default=None, return_dtype=pl.String)


def _hmac_sha256(key: bytes, prefix: bytes) -> Callable[[bytes], str]:
    """Return HMAC-SHA256 (RFC 2104) of prefix + message, in hex.

    The standard library's object takes twice as long for each message, most of it in Python; the
    definition is two hashes over two padded keys, which are begun once here.
    """
    if len(key) > _SHA256_BLOCK:
        key = hashlib.sha256(key).digest()
    padded = key.ljust(_SHA256_BLOCK, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + prefix)
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def digest(message: bytes) -> str:
        first, second = inner.copy(), outer.copy()
        first.update(message)
        second.update(first.digest())
        return second.hexdigest()

    return digest

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
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

import polars as pl

_LENGTH = 32  # hex digits
_SHA256_BLOCK = 64  # bytes
# People a file is remembered by, about 100 bytes each.
_REMEMBERED = 2_000_000
# What systems write where they know nobody, in lower case; the one list of them.
NOBODY = (
    *("guest", "guest checkout", "guest user", "anonymous", "anonym", "anon", "unknown"),
    *("undefined", "null", "none", "nil", "nan", "n/a", "#n/a", "(none)", "(null)"),
    *("(not set)", "not set", "gast", "invitado", "invité", "ospite"),
    *("游客", "访客", "匿名", "匿名用户", "ゲスト"),
)
# Zeros and signs alone: 0, 0.0, -, 00000000-0000-0000-0000-000000000000.
_NOTHING = r"^[0\p{P}\p{S}\s]*$"


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
        32 hex digits a row, null where the identifier is null or blank or names nobody: `guest`
        and `0` are not one customer with all orders of guests.
    """
    return Pseudonymiser(key, tombstones).of(values, namespace)


class Pseudonymiser:
    """Pseudonyms under one key, each worked out once however often a person comes.

    Args:
        key: the secret key of the installation.
        tombstones: pseudonyms that were erased and get their replacement instead.
    """

    def __init__(self, key: bytes, tombstones: Tombstones | None = None) -> None:
        self._key = key
        self._erased = tombstones if tombstones and tombstones.replacements else None
        self._people: dict[str, _People] = {}
        self._alone = Lock()

    def of(self, values: pl.Series, namespace: str) -> pl.Series:
        """Return the pseudonyms of identifiers; see `pseudonyms`."""
        with self._alone:
            people = self._people.get(namespace)
            if people is None or people.made.len() > _REMEMBERED:
                people = self._people[namespace] = _People(values)
            numbers = values.cast(people.dtype).to_physical()
            first = people.made.len()
            new = pl.DataFrame({"number": numbers, "name": values}).filter(
                pl.col("number") >= first
            )
            if new.height:
                names = new.unique("number").sort("number")["name"]
                made = pl.Series(self._made(names, namespace), dtype=pl.String)
                people.made = pl.concat([people.made, made], rechunk=True)
            return people.made.gather(numbers).alias(values.name)

    def _made(self, names: pl.Series, namespace: str) -> list[str | None]:
        normal = names.str.normalize("NFKC").str.strip_chars().str.to_lowercase()
        nobody = normal.is_in(NOBODY) | normal.str.contains(_NOTHING)
        inner, outer = _started(self._key, f"{namespace}\x1f".encode())
        erased = self._erased
        made: list[str | None] = []
        for person in normal.set(nobody, "").to_list():
            if not person:
                made.append(None)
                continue
            digest, last = inner.copy(), outer.copy()
            digest.update(person.encode())
            last.update(digest.digest())
            pseudonym = last.hexdigest()[:_LENGTH]
            made.append(pseudonym if erased is None else erased.instead(pseudonym))
        return made


class _People:
    """People of a namespace, numbered as they come, and the pseudonym of each by its number."""

    def __init__(self, values: pl.Series) -> None:
        self.dtype = pl.Categorical(pl.Categories.random("people"))
        # Numbers hold as long as a column of them is there.
        self.kept = values.clear().cast(self.dtype)
        self.made = pl.Series(dtype=pl.String)


def _started(key: bytes, start: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """Return both hashes of HMAC-SHA256, the inner one with `start`, to be copied for each message.

    By RFC 2104; two copies take half the time of copying what `hmac.new` gives.
    """
    key = hashlib.sha256(key).digest() if len(key) > _SHA256_BLOCK else key
    key = key.ljust(_SHA256_BLOCK, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in key)) for pad in (0x36, 0x5C))
    inner.update(start)
    return inner, outer

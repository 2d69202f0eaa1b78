"""Personal identifiers to keyed pseudonyms, at the edge and for good.

Belongs here: normalising and hashing an identifier, and the tombstones that keep an erased one
from coming back. Does not belong here: keeping the key or the tombstones.

An unkeyed hash of a phone number is guessed within hours, so the hash is keyed (HMAC-SHA256); the
first 128 bits are kept, which makes an accidental meeting of two people among a billion less
likely than 1 in 10^20.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

_LENGTH = 32  # hex digits
# People a file is remembered by, about 200 bytes each.
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
        self._known: dict[str, dict[str, str | None]] = {}

    def of(self, values: pl.Series, namespace: str) -> pl.Series:
        """Return the pseudonyms of identifiers; see `pseudonyms`."""
        people = values.drop_nulls().unique()
        known = self._known.setdefault(namespace, {})
        names = people.to_list()
        new = [name for name in names if name not in known]
        if len(known) + len(new) > _REMEMBERED:
            known.clear()
            new = names
        normal = pl.Series(new, dtype=pl.String).str.normalize("NFKC").str.strip_chars()
        normal = normal.str.to_lowercase()
        nobody = normal.is_in(NOBODY) | normal.str.contains(_NOTHING)
        start = hmac.new(self._key, f"{namespace}\x1f".encode(), "sha256")
        for name, person in zip(new, normal.set(nobody, "").to_list(), strict=True):
            known[name] = self._digest(start, person) if person else None
        if not names:
            return pl.Series(values.name, [None] * len(values), pl.String)
        keys = pl.Series([known[name] for name in names], dtype=pl.String)
        return values.replace_strict(people, keys, default=None, return_dtype=pl.String)

    def _digest(self, start: hmac.HMAC, person: str) -> str:
        # Copying a started HMAC takes half the time of setting up the key again.
        state = start.copy()
        state.update(person.encode())
        digest = state.hexdigest()[:_LENGTH]
        return digest if self._erased is None else self._erased.instead(digest)

"""Which encoding the bytes of a text are in: only one in which it reads as words is ever named.

Belongs here: telling encodings apart. Does not belong here: decoding a file (`encodings.py`), which
takes none but the declared one.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

_ENOUGH = 0.9  # of the letters beyond ASCII must be such as words are written with
_LOOKED_AT = 1 << 16
_BY_ACCIDENT = 12  # letters
_MARKS = "€£§°ºª«»¿¡·‘’“”„–—…®™©¢¥\u00a0"


def encoding_of_words(raw: bytes, *, whole: bool) -> str:
    """Return the encoding in which bytes beyond ASCII read as words; empty where none does.

    Args:
        raw: a text, or the beginning of one.
        whole: whether it is all of it, so that its last character is not cut.
    """
    if decodes(raw, "utf-8", whole=whole):
        return "utf-8"
    shares = {name: share(_beginning(raw, name)) for name, share in _WORDS.items()
              if decodes(raw, name, whole=whole)}  # fmt: skip
    best = max(shares, key=lambda name: shares[name], default="")
    return best if best and shares[best] >= _ENOUGH else ""


def decodes(raw: bytes, encoding: str, *, whole: bool) -> bool:
    """Whether bytes can be decoded, a cut last character apart."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(raw, final=whole)
    except UnicodeDecodeError as error:
        return whole and error.end == len(raw)  # cut inside a character: a cut row, still text
    return True


def _beginning(raw: bytes, encoding: str) -> str:
    """Return the lines with letters beyond ASCII at the beginning of a text."""
    text = codecs.getincrementaldecoder(encoding)("ignore").decode(raw)
    return "\n".join(line for line in text.split("\n") if not line.isascii())[:_LOOKED_AT]


def _western(text: str) -> float:
    """Share of the words in which accented letters stand by one or two among plain ones."""
    words = _words(text)
    inside = _MARKS.replace("’", "").replace("·", "")
    strange = (
        rf"[^\x00-\x7f{_MARKS}]{{3}}|[^\w{_MARKS}]|[¹²³]|[€£¥¢§][^\W\d_]"
        rf"|[^\W\d_][{inside}]+[^\W\d_]|[^\W\d_]§|[a-z][À-ÖØ-ÞŠŽŒŸ]"
    )
    return sum(not re.search(strange, word) for word in words) / len(words) if words else 0.0


def _cyrillic(text: str) -> float:
    """Share of the words that are of Cyrillic letters alone, capitals at their beginning only."""
    words = _words(text)
    good = [re.fullmatch(rf"[А-ЯЁ]?[а-яё]+|[А-ЯЁ]+|[{_MARKS}№]+", word) for word in words]
    return sum(map(bool, good)) / len(words) if any(map(str.isalpha, words)) else 0.0


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"[^\x00-\x40\x5b-\x60\x7b-\x7f]+", text)
            if not word.isascii()]  # fmt: skip


def _korean(text: str) -> float:
    """Share of Hangul; few of them may be Chinese words whose bytes mean Hangul by accident."""
    wide = [letter for letter in text if ord(letter) > 127]
    hangul = sum("\uac00" <= letter <= "\ud7a3" for letter in wide)
    return hangul / len(wide) if len(wide) >= _BY_ACCIDENT else 0.0


def _share(is_usual: Callable[[str], bool], text: str) -> float:
    wide = [letter for letter in text if ord(letter) > 127]
    return sum(map(is_usual, wide)) / len(wide) if wide else 0.0


def _is_common_chinese(letter: str) -> bool:
    """Whether a letter is of the first level of GB 2312, or a mark of it."""
    try:
        lead = letter.encode("gb2312")[0]
    except UnicodeEncodeError:
        return False
    return lead in (0xA1, 0xA3) or 0xB0 <= lead <= 0xD7


def _is_common_japanese(letter: str) -> bool:
    """Whether a letter is kana, a full-width mark, or of the first level of JIS X 0208."""
    if "\u3040" <= letter <= "\u30ff" or "\u3000" <= letter <= "\u3002":
        return True
    try:
        code = letter.encode("shift_jis")
    except UnicodeEncodeError:
        return False
    return len(code) == 2 and (code[0] in (0x81, 0x82) or b"\x88\x9f" <= code <= b"\x98\x72")


# Of equals the first: Hangul may be read as Chinese, but hardly the other way round.
_WORDS: dict[str, Callable[[str], float]] = {
    "euc_kr": _korean,
    "gb18030": lambda text: _share(_is_common_chinese, text),
    "cp932": lambda text: _share(_is_common_japanese, text),
    "cp1252": _western,
    "cp1251": _cyrillic,
}

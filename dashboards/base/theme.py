"""Colours: one table of tokens, measured for contrast and for colour-blind readers.

Belongs here: the palette of both themes and the token colours that figures are written with.
Does not belong here: layout rules (`assets/app.css`), figures (`charts`).

A figure is serialised with token colours such as `#000010`; the page's script replaces a token by
the current value of its CSS variable, so one figure serves both themes. Blue is better, orange is
worse, never red and green: safe for colour-blind readers, and neutral between the Chinese (red is
up) and the Western habit.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Colour:
    """A role and its value in both themes, six-digit hex (Plotly's parser takes hex best)."""

    role: str
    light: str
    dark: str


PALETTE: tuple[Colour, ...] = (
    Colour("ink", "#16202b", "#eaf0f6"),
    Colour("ink2", "#4a5766", "#b4c0cc"),
    Colour("ink3", "#616d7a", "#8e9aa8"),
    Colour("accent", "#1f5fbf", "#6ea8f0"),
    Colour("better", "#0b6fb8", "#5eb0f0"),
    Colour("worse", "#c2500a", "#f39a57"),
    Colour("pale", "#b9c4d1", "#52616f"),
    Colour("page", "#f5f7fa", "#0d141b"),
    Colour("card", "#ffffff", "#18212b"),
    Colour("line", "#dfe5ec", "#2a3541"),
    Colour("grid", "#e6ebf1", "#2a3541"),
    Colour("band", "#cfdef5", "#2c486b"),
    Colour("promo", "#f0f3fa", "#1d2835"),
    Colour("peak", "#dfe7f6", "#25364b"),
    Colour("warn_bg", "#fff1e0", "#33240f"),
    Colour("warn_line", "#d97706", "#d99a3c"),
    Colour("low", "#eef4fb", "#1c2c3f"),
    Colour("middle", "#8ab4e0", "#3a6ea8"),
    Colour("high", "#1c4f93", "#a9cdf5"),
    Colour("blue", "#8dbde6", "#2f6ea3"),
    Colour("orange", "#f2b183", "#9a5420"),
    Colour("thin", "#e9edf2", "#232e39"),
)

_FIRST = 0x10
TOKENS: dict[str, str] = {
    colour.role: f"#0000{_FIRST + place:02x}" for place, colour in enumerate(PALETTE)
}
"""Role -> token colour, as written into figures."""


def token(role: str) -> str:
    """The token colour of a role.

    Raises:
        KeyError: if the palette has no such role.
    """
    return TOKENS[role]


def css_variables() -> str:
    """The palette as CSS variables: light by default, dark by system preference or by choice."""
    light = "".join(f"--{c.role}:{c.light};" for c in PALETTE)
    dark = "".join(f"--{c.role}:{c.dark};" for c in PALETTE)
    return (
        f":root{{color-scheme:light;{light}}}\n"
        f"@media(prefers-color-scheme:dark){{:root:not([data-theme=light])"
        f"{{color-scheme:dark;{dark}}}}}\n"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}\n"
        f"@media print{{:root:root{{color-scheme:light;{light}}}}}\n"
    )

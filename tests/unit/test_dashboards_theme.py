"""The palette: contrast after WCAG 2, distance for colour-blind readers after Machado 2009."""

from __future__ import annotations

import numpy as np
import pytest

from dashboards.base.theme import PALETTE, TOKENS, css_variables

# Severity 1.0, on linear RGB.
MACHADO = {
    "normal": np.eye(3),
    "protan": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                        [-0.003882, -0.048116, 1.051998]]),
    "deutan": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                        [-0.011820, 0.042940, 0.968881]]),
    "tritan": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                        [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def colour(role: str, theme: str) -> np.ndarray:
    value = next(getattr(c, theme) for c in PALETTE if c.role == role)
    rgb = np.array([int(value[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str, theme: str) -> float:
    light = sorted(float(colour(role, theme) @ [0.2126, 0.7152, 0.0722]) for role in (a, b))
    return (light[1] + 0.05) / (light[0] + 0.05)


def lab(role: str, theme: str, sight: str) -> np.ndarray:
    seen = np.clip(MACHADO[sight] @ colour(role, theme), 0, 1)
    t = XYZ @ seen / np.array([0.95047, 1.0, 1.08883])
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_readable(theme: str) -> None:
    for text in ("ink", "ink2", "ink3", "accent", "better", "worse"):
        assert contrast(text, "card", theme) >= 4.5, text
    for text in ("ink", "ink2", "ink3"):  # changes in colour stand on cards only
        assert contrast(text, "page", theme) >= 4.5, text
    for text in ("ink", "better"):
        assert contrast(text, "warn_bg", theme) >= 4.5
    for ground in ("band", "promo", "peak"):
        assert contrast("accent", ground, theme) >= 3, ground
        assert contrast("ink", ground, theme) >= 4.5, ground


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("sight", MACHADO)
def test_better_and_worse_differ_for_everyone(theme: str, sight: str) -> None:
    apart = np.linalg.norm(lab("better", theme, sight) - lab("worse", theme, sight))
    assert apart >= 60


def test_tokens_are_unique_and_become_variables() -> None:
    assert len(set(TOKENS.values())) == len(PALETTE)
    css = css_variables()
    for entry in PALETTE:
        assert f"--{entry.role}:{entry.light};" in css
        assert f"--{entry.role}:{entry.dark};" in css

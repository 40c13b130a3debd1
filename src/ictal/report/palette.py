"""Colours of the page and its figures, light and dark: Okabe and Ito's colour-blind-safe set on neutral greys.

They are darker where a text in them would not stand out enough otherwise (WCAG 1.4.3). Figures are drawn in the light
colours; on the page each of them is replaced by the CSS variable of its name, so that a figure follows the reader's
colour scheme.
"""

from __future__ import annotations

from types import MappingProxyType

LIGHT = MappingProxyType(
    {
        "ink": "#1b1f24",
        "muted": "#59636e",
        "line": "#d5dae0",
        "surface": "#ffffff",
        "panel": "#f5f6f8",
        "quiet": "#c5cdd6",
        "seizure": "#b84f00",
        "partial": "#f0a868",
        "detection": "#0072b2",
        "false": "#b0467f",
        "prior": "#8a6100",
        "good": "#007a5a",
    }
)
DARK = MappingProxyType(
    {
        "ink": "#e6e9ed",
        "muted": "#9aa4af",
        "line": "#2f363e",
        "surface": "#0f1216",
        "panel": "#171b21",
        "quiet": "#46505b",
        "seizure": "#ff8a3d",
        "partial": "#a85a1e",
        "detection": "#56b4e9",
        "false": "#ea94c4",
        "prior": "#f0c04a",
        "good": "#2fc79a",
    }
)


def css_variables(colours: MappingProxyType[str, str]) -> str:
    """Declarations of every colour as a CSS variable."""
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


def follow_scheme(svg: str) -> str:
    """The same figure with every colour of the light palette replaced by its CSS variable."""
    for name, value in LIGHT.items():
        svg = svg.replace(value, f"var(--{name})")
    return svg

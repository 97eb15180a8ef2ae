"""How the pictures look, and how they become bytes.

Blue is a gain, red a loss, white no difference, in every picture (a map that colour-blind readers
can tell apart); `*` marks what is significant after Holm's correction. `png` and `svg` give the
same bytes for the same figure.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#98a2b3",
    "axes.linewidth": 0.8,
    "axes.labelcolor": "#344054",
    "xtick.color": "#344054",
    "ytick.color": "#344054",
    "text.color": "#101828",
    "text.parse_math": False,  # `$` in a name is a `$`
    "svg.hashsalt": "xstilts",
    "svg.fonttype": "path",
    "legend.frameon": False,
    "figure.facecolor": "white",
}
DIVERGING = "RdBu"
PALETTE = (
    "#667085",
    "#1d6fb8",
    "#d9772b",
    "#2f9e6e",
    "#8e5bb5",
    "#c23b3b",
    "#0c8599",
    "#a07b1c",
    "#d6548c",
    "#5b6ad0",
    "#7a9a2e",
)
"""The baseline's colour, then those of the intermediates in their order."""


def signed(value: float, digits: int = 1) -> str:
    """`+1.3`, `−0.4`, `0.0`: no sign where the rounded number is 0."""
    text = f"{value:+.{digits}f}"
    return text.replace("-", "−") if float(text) else text[1:]


def png(figure: Figure) -> bytes:
    """The figure as PNG, 160 dots an inch."""
    return _saved(figure, format="png", dpi=160, metadata={"Software": None})


def svg(figure: Figure) -> bytes:
    """The figure as SVG, with letters as outlines, so that no font is needed."""
    return _saved(figure, format="svg", metadata={"Date": None})


def _saved(figure: Figure, **how: Any) -> bytes:
    """The figure's bytes. Labels of ticks are made here, so the style holds here too; a letter that
    the font lacks is a box and no warning.
    """
    import matplotlib as mpl

    out = io.BytesIO()
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from")
        figure.savefig(out, bbox_inches="tight", pad_inches=0.1, **how)
    return out.getvalue()

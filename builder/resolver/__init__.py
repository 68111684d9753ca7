"""Which packages a build root consists of, or the shortest text why there is none."""

from .buildroot import build_root, input_set, missing_preinstalls
from .expander import Expansion, expand
from .pool import Pool
from .shelf import Shelf
from .solvable import Backdrop, Solvable, parse_dependency, plain_dependency, solvable_of

__all__ = [
    "Backdrop",
    "Expansion",
    "Pool",
    "Shelf",
    "Solvable",
    "build_root",
    "expand",
    "input_set",
    "missing_preinstalls",
    "parse_dependency",
    "plain_dependency",
    "solvable_of",
]

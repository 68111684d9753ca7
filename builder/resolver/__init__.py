"""Which packages a build root consists of, or the shortest text why there is none."""

from .buildroot import build_root, input_set, missing_preinstalls
from .expander import Expansion, expand
from .pool import Backdrop, Pool, Solvable, plain_dependency, solvable_of

__all__ = [
    "Backdrop",
    "Expansion",
    "Pool",
    "Solvable",
    "build_root",
    "expand",
    "input_set",
    "missing_preinstalls",
    "plain_dependency",
    "solvable_of",
]

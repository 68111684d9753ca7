"""Project configurations: reading, meaning, combination along a path."""

from .config import UNDEFINED, ProjectConfig
from .layers import Layer, combined
from .parser import parse_config, spec_macros

__all__ = ["UNDEFINED", "Layer", "ProjectConfig", "combined", "parse_config", "spec_macros"]

"""Constants and aliases of the values."""

from __future__ import annotations

from typing import Any

EMPTY_SRCMD5 = "d41d8cd98f00b204e9800998ecf8427e"
"""srcmd5 of the empty tree: the md5 of nothing."""

JsonObject = dict[str, Any]
"""A JSON object as stored; parsed and made only at the edges."""

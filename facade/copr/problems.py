"""What is wrong with a form, collected field by field and told in Copr's two styles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from storage.errors import InvalidInput

from .forms import Form

REQUIRED = "This field is required."
NO_CHOICE = "Not a valid choice."
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


class BadForm(InvalidInput):
    """A form did not pass; the message is ready for the wire and may have several lines."""


@dataclass(slots=True)
class Problems:
    """Messages by field, in the order they were found."""

    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, message: str) -> None:
        """Note one message."""
        self.found.setdefault(name, []).append(message)

    def raise_lines(self) -> None:
        """Fail with one line per message if there is any: package and project calls.

        Raises:
            BadForm: There is a message.
        """
        if self.found:
            pairs = [(name, text) for name, texts in self.found.items() for text in texts]
            raise BadForm("\n".join(f"{name}: {text}" for name, text in pairs))

    def raise_mapping(self) -> None:
        """Fail with all messages as a Python literal if there is any: build calls.

        Raises:
            BadForm: There is a message.
        """
        if self.found:
            raise BadForm(f"Bad request parameters: {self.found}")

    def required(self, form: Form, name: str) -> str:
        """A text that must be there; empty after a complaint."""
        value = (form.text(name) or "").strip()
        if not value:
            self.add(name, REQUIRED)
        return value

    def integer(self, form: Form, name: str, least: int, most: int) -> int | None:
        """A number within bounds; None when absent or after a complaint."""
        text = form.text(name)
        if text is None or text.strip() == "":
            return None
        number = int(text) if _INTEGER.fullmatch(text.strip()) else None
        if number is None:
            self.add(name, "Not a valid integer value.")
        if number is None or not least <= number <= most:
            self.add(name, f"Number must be between {least} and {most}.")
            return None
        return number

    def choice(self, form: Form, name: str, choices: Sequence[str], default: str) -> str:
        """One of the choices; ``default`` when absent or after a complaint."""
        text = form.text(name)
        if text is None or text == "":
            return default
        if text not in choices:
            self.add(name, NO_CHOICE)
            return default
        return text

    def chroots(self, name: str, wanted: Sequence[str], known: Sequence[str]) -> list[str]:
        """The known chroots that the wanted names and shell patterns match, in their order."""
        matched: set[str] = set()
        for pattern in wanted:
            hits = [chroot for chroot in known if fnmatchcase(chroot, pattern)]
            if not hits:
                self.add(name, f"'{pattern}' is not a valid choice for this field.")
            matched.update(hits)
        return [chroot for chroot in known if chroot in matched]

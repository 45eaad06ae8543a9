"""Expected: what other machines must have, so that what they do is the same to the last bit."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from robustpose.errors import UserError, first_few
from robustpose.files import list_differences
from robustpose.limits import list_lifted
from robustpose.versions import decisive_versions

ADVICE = "every machine needs the same code (--ship FOLDER brings it), libraries and kind of device"


@dataclass(frozen=True)
class Expected:
    """Versions, and code and options of what does the work, as the machine has them that shares it out."""

    versions: Mapping[str, str]
    lifted: Mapping[str, str]  # environment variables of limits
    about: Mapping[str, Any]

    def prepare_here(self) -> None:
        """Lift the limits that are lifted there; UserError where the versions that decide numbers are others here."""
        os.environ.update(self.lifted)
        _raise_differences(self.versions, decisive_versions(), "install the same versions on every machine")

    def check_here(self, about: Mapping[str, Any]) -> None:
        """Raise UserError where code or options are others here."""
        _raise_differences(self.about, about, ADVICE)


def expect(about: Mapping[str, Any]) -> Expected:
    """Return what other machines must have: what is here, where `about` tells code and options."""
    return Expected(decisive_versions(), list_lifted(), json.loads(json.dumps(about)))


def _raise_differences(there: Any, here: Any, advice: str) -> None:
    lines = list_differences(there, here)  # `there` is where the message is read
    differing = [line.replace(" there, ", " here, ").removesuffix(" now") + " there" for line in lines]
    if differing:
        raise UserError(
            f"the machine {platform.node() or 'of a worker'} would find other numbers "
            f"({first_few(differing, 'differences')}): {advice}"
        )

"""One IAM call: who makes it, and what its form says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from explorer.localstore.iam.authority import Iam
from explorer.localstore.refusals import Refusal

Tree = dict[str, Any]
"""An answer before it is written as XML or JSON."""
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Call:
    iam: Iam
    caller: str
    form: Mapping[str, str]
    as_json: bool
    """Tigris' clients: some answers have another shape for them."""

    def need(self, name: str) -> str:
        value = self.form.get(name, "")
        if not value:
            raise Refusal("ValidationError", f"{name} is missing.")
        return value

    def not_the_owner(self, id_: str) -> str:
        """Nobody locks the owner out over the wire."""
        if id_ == self.iam.owner.id:
            raise Refusal("AccessDenied", "The owner's key is changed in the store's key file only.")
        return id_

    def page(self) -> tuple[str, int]:
        """Where a listing goes on, and how many it shows."""
        text = self.form.get("MaxItems") or "100"
        if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) >= 1):
            raise Refusal("ValidationError", "MaxItems is a number from 1 to 1000.")
        return self.form.get("Marker", ""), min(int(text), _MOST)

    def request(self) -> dict[str, Any]:
        """The JSON in `Req`, which Tigris' own calls put their arguments in."""
        try:
            told = json.loads(self.need("Req"))
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise Refusal("ValidationError", "Req is not a JSON object.")
        return told


def paging(marker: str) -> Tree:
    return {"IsTruncated": bool(marker), "Marker": marker or None}

"""Many flat JSON rows of few shapes as columns of numbers: what is odd is handed back to be read row by row.

Lines that differ only in digits have one skeleton. For each skeleton the keys are cut out of all its lines at
once, which leaves nothing but numbers, and numpy reads those.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explorer.metrics.parsed import Column

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_DIGITS = b"0123456789.+-eE"
_MOST_SKELETONS = 64
# the opening brace or the comma before a key belong to it, so that whole separators are cut out
_PAIR = re.compile(rb'([{,]\s*"[^"\\\\]*"\s*:\s*)([^,}\s]+)')


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one shape: `values` has a row for each line number in `rows` (rising) and a column a name."""

    names: tuple[str, ...]
    rows: npt.NDArray[np.int64]
    values: Floats


def blocks_of(lines: Sequence[bytes]) -> tuple[list[Block], list[int]]:
    """Blocks of regular lines, and the numbers of the lines that are not regular. Cost: about 1 us a line."""
    import numpy as np

    groups: dict[bytes, list[int]] = {}
    for i, line in enumerate(lines):
        groups.setdefault(line.translate(None, _DIGITS), []).append(i)
    if len(groups) > _MOST_SKELETONS:
        return [], list(range(len(lines)))
    blocks: list[Block] = []
    odd: list[int] = []
    for numbers in groups.values():
        block = _block([lines[i] for i in numbers], np.array(numbers)) if len(numbers) > 1 else None
        if block is None:
            odd += numbers
        else:
            blocks.append(block)
    return blocks, sorted(odd)


def blocks_of_rows(rows: Sequence[object]) -> tuple[list[Block], list[int]]:
    """Blocks of parsed rows whose values are all numbers, and the numbers of the other rows."""
    blocks: list[Block] = []
    odd: list[int] = []
    for numbers in _same_keys(rows, odd):
        same: list[Any] = [rows[i] for i in numbers]
        block = _block_of_rows(same, numbers) if len(blocks) < _MOST_SKELETONS else None
        if block is None:
            odd += numbers
        else:
            blocks.append(block)
    return blocks, sorted(odd)


def _same_keys(rows: Sequence[object], odd: list[int]) -> list[list[int]]:
    """Numbers of rows with the same keys. Rows of one length mostly have: then no row is looked at."""
    sizes: dict[int, list[int]] = {}
    for i, row in enumerate(rows):
        if type(row) is dict and row:
            sizes.setdefault(len(row), []).append(i)
        else:
            odd.append(i)
    groups: list[list[int]] = []
    for numbers in sizes.values():
        same: list[Any] = [rows[i] for i in numbers]
        names = same[0].keys()
        if all(row.keys() == names for row in same):
            groups.append(numbers)
            continue
        by_keys: dict[frozenset[str], list[int]] = {}
        for i in numbers:
            by_keys.setdefault(frozenset(rows[i]), []).append(i)  # type: ignore[call-overload]
        groups += by_keys.values()
    return groups


def _block_of_rows(same: list[Any], numbers: list[int]) -> Block | None:
    import numpy as np

    names = tuple(same[0])
    columns = [[row[name] for row in same] for name in names]
    if not all(set(map(type, column)) <= {int, float} for column in columns):
        return None
    try:
        return Block(names, np.array(numbers), np.array(columns, np.float64).T)
    except OverflowError:
        return None


def _block(lines: list[bytes], rows: npt.NDArray[np.int64]) -> Block | None:
    import numpy as np

    try:
        first = json.loads(lines[0])
    except (ValueError, RecursionError):
        return None
    pairs = _PAIR.findall(lines[0])
    if not isinstance(first, dict) or len(pairs) != len(first) or not all(map(_is_number, first.values())):
        return None
    # what stands between the numbers is that of the first line: of a line with other keys something is left
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys) or any(a in b for a in keys for b in keys if a is not b):
        return None
    text = b"\n".join(lines).replace(keys[0], b"")
    for key in keys[1:]:
        text = text.replace(key, b",")
    ends = lines[0][lines[0].rindex(b"}") :]
    text = text.replace(ends + b"\n", b",").removesuffix(ends)
    if b'"' in text or b"}" in text or b"{" in text or b"\n" in text:
        return None
    try:
        flat = np.fromstring(text.decode("ascii"), np.float64, sep=",")
    except (ValueError, DeprecationWarning):
        return None
    if len(flat) != len(lines) * len(keys) or text.count(b",") != len(flat) - 1:
        return None
    return Block(tuple(first), rows, flat.reshape(len(lines), len(keys)))


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def regular(blocks: list[Block], steps: Sequence[str], most: float) -> tuple[list[Block], list[int]]:
    """Blocks without the rows whose step is no step, and the numbers of those rows' lines."""

    kept: list[Block] = []
    odd: list[int] = []
    for block in blocks:
        name = next((n for n in steps if n in block.names), None)
        if name is None:
            odd += block.rows.tolist()
            continue
        column = block.values[:, block.names.index(name)]
        good = (column >= 0) & (column <= most)
        odd += block.rows[~good].tolist()
        kept.append(block if good.all() else Block(block.names, block.rows[good], block.values[good]))
    return kept, odd


def columns_of(
    blocks: list[Block],
    steps: Sequence[str],
    times: Sequence[str],
    others: Mapping[str, tuple[Column, list[int]]],
) -> dict[str, Column]:
    """Metrics of blocks, and of rows that were read one by one (with their lines' numbers), in file order."""
    import numpy as np

    found: dict[str, list[tuple[npt.NDArray[np.int64], Floats, Floats, Floats]]] = {}
    for block in blocks:
        step = next(n for n in steps if n in block.names)
        time = next((n for n in times if n in block.names), None)
        at = block.values[:, block.names.index(step)]
        wall = block.values[:, block.names.index(time)] if time else np.full(len(at), np.nan)
        for k, name in enumerate(block.names):
            if name not in (step, time):
                found.setdefault(name, []).append((block.rows, at, block.values[:, k], wall))
    for name, (column, numbers) in others.items():
        at, value, wall = (np.frombuffer(c) for c in (column.steps, column.values, column.walls))
        found.setdefault(name, []).append((np.array(numbers), at, value, wall))
    return {name: _in_order(parts) for name, parts in found.items()}


def _in_order(parts: list[tuple[npt.NDArray[np.int64], Floats, Floats, Floats]]) -> Column:
    import numpy as np

    rows = np.concatenate([p[0] for p in parts])
    order = np.argsort(rows, kind="stable") if len(parts) > 1 else slice(None)
    made = (np.concatenate([p[k] for p in parts])[order] for k in (1, 2, 3))
    return Column(*(array("d", np.ascontiguousarray(column).tobytes()) for column in made))

"""Parts of documents that the lab writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(rows: Iterable[Sequence[str]], numbers_from: int | None = None) -> str:
    """A table: the first row is its head, columns from ``numbers_from`` on are set to the right."""
    head, *body = rows
    to_the_right = len(head) if numbers_from is None else numbers_from
    line = ["---"] * to_the_right + ["---:"] * (len(head) - to_the_right)
    return "\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in (head, line, *body))

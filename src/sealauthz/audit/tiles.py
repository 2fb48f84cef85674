"""The hashes of the log's tree as they are stored: tiles of 256, at every eighth level of the tree.

A tile at level 0 holds hashes of records, one above it those of whole tiles below. So a proof of a log of any length
reads a handful of tiles, and a tile that is full never changes. Source: c2sp.org/tlog-tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from sealauthz.audit.merkle import HASH_BYTES, nodes_above

WIDTH = 256
_LEVELS = 8
"""Of the tree, in one tile."""

FetchTile = Callable[[int, int], bytes]
"""Returns the hashes of a tile, by its level and its number; empty where there is none."""


class TileMissing(LookupError):
    """A tile that the tree needs is not there, or too short."""

    def __init__(self, level: int, number: int) -> None:
        self.level = level
        self.number = number
        super().__init__(f"tile {number} of level {level} is not there or too short")


class Tiles:
    """The tree over stored tiles, as proofs read it. It remembers what it has fetched: make one for each snapshot."""

    def __init__(self, fetch: FetchTile, known: Mapping[tuple[int, int], bytes] = MappingProxyType({})) -> None:
        """`known` are tiles that need not be fetched, by level and number."""
        self._fetch = fetch
        self._known = dict(known)

    def node(self, level: int, number: int) -> bytes:
        """Return the hash of a perfect subtree (`merkle.Node`). Raises TileMissing."""
        tile_level, height = divmod(level, _LEVELS)
        first = number << height
        tile, place = divmod(first, WIDTH)
        hashes = self.tile(tile_level, tile)
        part = hashes[place * HASH_BYTES : (place + (1 << height)) * HASH_BYTES]
        if len(part) != HASH_BYTES << height:
            raise TileMissing(tile_level, tile)
        return perfect_root(part)

    def tile(self, level: int, number: int) -> bytes:
        """Return the hashes of a tile; empty where there is none."""
        key = (level, number)
        if key not in self._known:
            self._known[key] = self._fetch(level, number)
        return self._known[key]

    def edge(self, size: int) -> dict[tuple[int, int], bytes]:
        """Return of the tiles that are known those that the next record of a tree of this size belongs under."""
        return {
            (level, number): hashes
            for (level, number), hashes in self._known.items()
            if number == size >> _LEVELS * (level + 1)
        }

    def append(self, size: int, leaves: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
        """Add leaves, by their hashes, to a tree of this size; return every tile that is another than before, by level
        and number.

        Raises TileMissing where the tree has not this size.
        """
        changed: dict[tuple[int, int], bytes] = {}
        added, level = leaves, 0
        while added:
            number, place = divmod(size, WIDTH)
            hashes = self.tile(level, number)[: place * HASH_BYTES]
            if len(hashes) != place * HASH_BYTES:
                raise TileMissing(level, number)
            above: list[bytes] = []
            at = 0
            while at < len(added):
                some = added[at : at + WIDTH - place]
                hashes += b"".join(some)
                self._known[level, number] = changed[level, number] = hashes
                if place + len(some) == WIDTH:
                    above.append(perfect_root(hashes))
                at, number, place, hashes = at + len(some), number + 1, 0, b""
            added, size, level = above, size // WIDTH, level + 1
        return changed


def perfect_root(hashes: bytes) -> bytes:
    """Return the root above 2^n hashes."""
    while len(hashes) > HASH_BYTES:
        hashes = nodes_above(hashes)
    return hashes

"""Reachability: the paths between subject and resource that the policies imply, for lists to follow."""

from sealauthz.polar.reach.links import KnownOnly, Link, Links, Referenced
from sealauthz.polar.reach.paths import Endpoint, Path, Root, Shapes, Step, path_of
from sealauthz.polar.reach.reachability import Asked, Reachability, ResolverPaths

__all__ = [
    "Asked",
    "Endpoint",
    "KnownOnly",
    "Link",
    "Links",
    "Path",
    "Reachability",
    "Referenced",
    "ResolverPaths",
    "Root",
    "Shapes",
    "Step",
    "path_of",
]

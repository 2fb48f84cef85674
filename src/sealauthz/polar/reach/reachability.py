"""What joins subject and resource: read out of the policies, the links of which one at least holds in every allow.

A rule is unfolded into the ways in which it can hold. What they say is taken as necessary conditions: whatever is not
understood (a negation, a recursion, arithmetic, a value of the client's) is dropped, which only makes the answer wider.
So a list that follows the links finds everything that is allowed, and asks the rule itself about all it finds. They
come from the rules that decide, so that no change of a rule can make a list miss anything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from sealauthz.polar.program import Program
from sealauthz.polar.reach.links import Links, any_of
from sealauthz.polar.reach.paths import Constant, Endpoint, Given, Root, Shapes, path_of
from sealauthz.polar.reach.unfolding import Arguments, Known, Search, words_of

MAX_EXCEPTIONS_HELD = 64
"""Of how many questions that except requirements the links are kept."""

MAX_SHARED_HELD = 4
"""For how many contexts, each from one side, what questions share is kept."""

ResolverPaths = Mapping[str, Mapping[str, Sequence[str]]]
"""By context class and key: the path from the resource to what the server finds for the key."""

Asked = tuple[str, str, str, str, Root, frozenset[str]]
"""What `Reachability.between` is asked, in its order."""


class Reachability:
    """The links of one policy over records of these shapes.

    `resolver_paths` are the paths to what context resolvers find; `is_a` tells whether values of one class are values
    of another.
    """

    def __init__(
        self, program: Program, shapes: Shapes, resolver_paths: ResolverPaths, is_a: Callable[[str, str], bool]
    ) -> None:
        self._program = program
        self._shapes = shapes
        self._heads = {
            key: [(clause, words_of(clause)) for clause in clauses] for key, clauses in program.clauses.items()
        }
        self._resolver_paths = resolver_paths
        self._is_a = is_a
        self._found: dict[Asked, Links] = {}
        self._shared: dict[tuple[str, str, Root], Known] = {}
        self._finding = threading.Lock()

    def between(
        self,
        subject: str,
        action: str,
        resource: str,
        context: str,
        known: Root,
        excepted: frozenset[str] = frozenset(),
    ) -> Links:
        """Return the links of an action, each path from what is known to what is sought; None if it is for anybody.

        `subject`, `resource` and `context` are the names of their classes. What an `excepted` requirement asks says
        nothing: the links are those of all that would be allowed if it were met.
        """
        key = (subject, action, resource, context, known, excepted)
        if not excepted and key in self._found:
            return self._found[key]
        with self._finding:
            if key not in self._found:
                resolved = self._resolved(resource, context)
                shared = self._shared_by(resource, context, known)
                search = Search(self._program, self._shapes, self._heads, resolved, self._is_a, known, excepted, shared)
                asked: Arguments = (
                    Endpoint(Root.SUBJECT, (), subject),
                    Constant(action),
                    Endpoint(Root.RESOURCE, (), resource),
                    Given(context),
                )
                links = any_of(outcome.links for outcome in search.outcomes("allow", asked))
                if excepted:
                    self._forget_exceptions()
                self._found[key] = links
            return self._found[key]

    def knows(self, asked: Asked) -> bool:
        """Tell whether the links of what `between` may be asked were found already. Those with exceptions may be
        forgotten again.
        """
        return not asked[-1] and asked in self._found

    def _shared_by(self, resource: str, context: str, known: Root) -> Known:
        """Return what questions with one context share from one side, and keep that of the last ones."""
        key = (resource, context, known)
        self._shared[key] = self._shared.pop(key, {})
        for oldest in list(self._shared)[:-MAX_SHARED_HELD]:
            del self._shared[oldest]
        return self._shared[key]

    def _forget_exceptions(self) -> None:
        """Make room: which requirements to except is the client's choice, and there are very many."""
        held = [key for key in self._found if key[-1]]
        for key in held[: max(0, len(held) - MAX_EXCEPTIONS_HELD + 1)]:
            del self._found[key]

    def _resolved(self, resource: str, context: str) -> Mapping[str, Endpoint]:
        resolved = {}
        for name, names in self._resolver_paths.get(context, {}).items():
            path = path_of(self._shapes, resource, names)
            resolved[name] = Endpoint(Root.RESOURCE, path, path[-1].ends_at, may_be_nil=True)
        return resolved

"""A code mapping as rules see it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from .order import Rank, rank
from .roots import fold, prefix_of, source_of, subject, unify
from .wildcards import Wildcard, head_of, wildcard_of


@dataclass(frozen=True, slots=True)
class Rule:
    """Stack root to source root. What matching needs is worked out once, when the rule is made.

    Attributes:
        id: the code mapping's id.
        stack_root: what a frame's path begins with.
        source_root: what stands there in the repository.
        generated: whether a machine made the mapping.
        prefix: the stack root as it is compared; of a root with wildcards, what stands before them.
        wildcard: the stack root, where it has wildcards.
        source: the source root as it is put before the rest of the path.
        rank: the rule's place in the order.
    """

    id: int
    stack_root: str
    source_root: str
    generated: bool = False
    prefix: str = field(init=False, repr=False, compare=False)
    wildcard: Wildcard | None = field(init=False, repr=False, compare=False)
    source: str = field(init=False, repr=False, compare=False)
    rank: Rank = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        root = unify(self.stack_root)
        wildcard = wildcard_of(root)
        prefix = prefix_of(root)
        place = rank(generated=self.generated, prefix=prefix, wild=wildcard is not None, rule_id=self.id)
        object.__setattr__(self, "prefix", head_of(root) if wildcard else prefix)
        object.__setattr__(self, "wildcard", wildcard)
        object.__setattr__(self, "source", source_of(root, self.source_root))
        object.__setattr__(self, "rank", place)

    def consumed(self, wanted: str) -> int | None:
        """How many characters of a path's subject the stack root takes, or None where it does not match."""
        if self.wildcard is not None:
            return self.wildcard.consumed(wanted)
        return len(self.prefix) if wanted.startswith(self.prefix) else None

    def source_path(self, path: str) -> str | None:
        """The repository path of a path, or None when it does not match or leads out of the repository."""
        wanted = subject(path)
        consumed = self.consumed(wanted)
        return None if consumed is None else self.put_before(wanted[consumed:-1])

    def put_before(self, rest: str) -> str | None:
        """The repository path that the source root and the rest of a path make together."""
        joined = self.source + rest
        if "/." in joined or "//" in joined or joined[:1] in ("/", ".", "") or joined[-1] == "/":
            return fold(joined)
        return joined


def rules_of(mapping_id: int, stack_root: str, source_root: str, *, generated: bool = False) -> Iterator[Rule]:
    """The rules of a code mapping.

    Roots that both end in one name, as ``AppDelegate`` and ``src/AppDelegate`` do, end inside a file's name on
    purpose: they are of the files of that name with any ending, too.
    """
    yield Rule(mapping_id, stack_root, source_root, generated)
    name = unify(stack_root).rpartition("/")[2]
    if name == unify(source_root).rpartition("/")[2] and name and "." not in name and "*" not in stack_root:
        yield Rule(mapping_id, f"{stack_root}.*", f"{source_root}.", generated)

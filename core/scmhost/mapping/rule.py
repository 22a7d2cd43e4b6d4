"""A code mapping as rules see it."""

from dataclasses import dataclass, field

from .order import Rank, rank
from .roots import fold, prefix_of, source_of, unify


@dataclass(frozen=True, slots=True)
class Rule:
    """Stack root to source root. What matching needs is worked out once, when the rule is made.

    Attributes:
        id: the code mapping's id.
        stack_root: what a frame's path begins with.
        source_root: what stands there in the repository.
        generated: whether a machine made the mapping.
        prefix: the stack root as it is compared.
        source: the source root as it is put before the rest of the path.
        rank: the rule's place in the order.
    """

    id: int
    stack_root: str
    source_root: str
    generated: bool = False
    prefix: str = field(init=False, repr=False, compare=False)
    source: str = field(init=False, repr=False, compare=False)
    rank: Rank = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        prefix = prefix_of(self.stack_root)
        object.__setattr__(self, "prefix", prefix)
        object.__setattr__(self, "source", source_of(self.stack_root, self.source_root))
        object.__setattr__(self, "rank", rank(generated=self.generated, prefix=prefix, rule_id=self.id))

    def source_path(self, path: str) -> str | None:
        """The repository path of a path that this rule matches, or None when it leads out of the repository."""
        return self.put_before(unify(path)[len(self.prefix) :])

    def put_before(self, rest: str) -> str | None:
        """The repository path that the source root and the rest of a path make together."""
        joined = self.source + rest
        if "/." in joined or "//" in joined or joined[:1] in ("/", ".", "") or joined[-1] == "/":
            return fold(joined)
        return joined

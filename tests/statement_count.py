"""Record the SQL statements that a block sends to a store."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from scmhost.infra.db.engine import Store


@contextmanager
def recorded_statements(store: Store) -> Iterator[list[str]]:
    """Yield a list that receives each statement that is executed inside the block."""
    statements: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    engine = store._engine
    event.listen(engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", record)

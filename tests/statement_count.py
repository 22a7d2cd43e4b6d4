"""Record the SQL statements that a block sends to a store."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, event

from scmhost.infra.db.drivers import run_on_driver
from scmhost.infra.db.engine import Store


@contextmanager
def recorded_statements(store: Store) -> Iterator[list[str]]:
    """Yield a list that receives each statement that is executed inside the block."""
    statements: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    def run(connection: Connection, statement: str, parameters: Any = ()) -> Any:
        statements.append(statement)
        return run_on_driver(connection, statement, parameters)

    engine = store._engine
    event.listen(engine, "before_cursor_execute", record)
    try:
        with (
            patch("scmhost.infra.db.engine.run_on_driver", run),
            patch("scmhost.infra.db.statements.run_on_driver", run),
        ):
            yield statements
    finally:
        event.remove(engine, "before_cursor_execute", record)

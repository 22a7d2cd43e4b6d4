"""Record the SQL statements that a block sends to a store, and their plans."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, event

from scmhost.infra.db import statements as shared
from scmhost.infra.db.engine import Store


@contextmanager
def recorded_statements(store: Store) -> Iterator[list[str]]:
    """Yield a list that receives each statement that is executed inside the block, and the BEGIN of each reader."""
    statements: list[str] = []
    run_on_driver = shared.run_on_driver

    def record(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    def record_begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("writes"):
            statements.append("BEGIN")

    def record_on_driver(connection: Connection, statement: str, parameters: Any) -> Any:
        statements.append(statement)
        return run_on_driver(connection, statement, parameters)

    listeners: dict[str, Callable[..., Any]] = {"before_cursor_execute": record, "begin": record_begin}
    for name, listener in listeners.items():
        event.listen(store._engine, name, listener)
    try:
        with patch.object(shared, "run_on_driver", record_on_driver):
            yield statements
    finally:
        for name, listener in listeners.items():
            event.remove(store._engine, name, listener)


@contextmanager
def recorded_plans(store: Store, part: str) -> Iterator[list[str]]:
    """Yield a list that receives SQLite's plan of each statement in the block that contains a part of SQL."""
    plans: list[str] = []

    def record(_connection: Any, cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if part in statement:
            rows = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.append("\n".join(row[3] for row in rows))

    event.listen(store._engine, "before_cursor_execute", record)
    try:
        yield plans
    finally:
        event.remove(store._engine, "before_cursor_execute", record)

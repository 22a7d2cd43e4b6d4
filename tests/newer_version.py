"""Run the ``scmhost`` command as a newer version, with the migrations of a folder, which is the first argument."""

import sys
from pathlib import Path
from types import MappingProxyType

from alembic.config import Config
from sqlalchemy import Connection

from scmhost.app import main
from scmhost.infra.db import schema

_config = schema._config
_MIGRATION = """\
"{title}."
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{revision}", "{before}"
{oldest_code}


def upgrade():
    op.add_column("projects", sa.Column("more_{revision}", sa.Text(), nullable=True))


def downgrade():
    op.drop_column("projects", "more_{revision}")
"""

COMPATIBLE, INCOMPATIBLE = "9001", "9002"


def write_migrations(folder: Path, *revisions: str) -> Path:
    """Write migrations after those of this version; the first one is compatible with its code. Return the folder."""
    folder.mkdir()
    head = schema._head()
    before = MappingProxyType({COMPATIBLE: head, INCOMPATIBLE: COMPATIBLE})
    for revision in revisions:
        oldest = f'oldest_code = "{head}"' if revision == COMPATIBLE else ""
        text = _MIGRATION.format(title="More", revision=revision, before=before[revision], oldest_code=oldest)
        (folder / f"{revision}_more.py").write_text(text, encoding="utf-8")
    return folder


def _run(folder: str) -> None:
    def with_more(connection: Connection | None = None) -> Config:
        config = _config(connection)
        own = Path(schema.__file__).with_name("migrations") / "versions"
        config.set_main_option("version_locations", f"{own}\n{folder}")
        config.set_main_option("path_separator", "newline")
        return config

    own_folders = schema._folders()
    schema._config, schema._folders = with_more, lambda: [*own_folders, Path(folder)]
    main()


if __name__ == "__main__":
    _run(sys.argv.pop(1))

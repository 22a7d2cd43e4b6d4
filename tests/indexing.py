"""Run the jobs that index files, due or not."""

from scmhost.repositories import file_index_queries, file_queries
from scmhost.sdk import Organization
from scmhost.services import Services


def index_files(services: Services, organization: Organization) -> None:
    """Index the files of all commits that wait in an organization."""
    with services.store.read() as tx:
        pending = file_queries.pending_jobs(tx, organization.id)
    for job in pending:
        file_index_queries.index_files(services, job)

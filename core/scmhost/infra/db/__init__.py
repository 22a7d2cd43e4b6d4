"""The database: connections, transactions, schema, shared statements, jobs."""

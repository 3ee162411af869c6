"""The catalogue's migrations, run when it is opened (storage/migration.py).

To change the tables, change retrieval/catalogue/catalogue_tables.py and add a file to versions/, named after its number
and what it does, as r0004_changes.py is. It holds the next `revision`, the one before as `down_revision`, and
`upgrade(op)`. A test compares the migrated tables with those of catalogue_tables.py.

An SQLite file of up to 1 GiB (some 15,000 papers) is backed up before a migration. A larger one is not: a copy may not
fit on the disk, nearly all of it is vectors that can be computed again, and a migration is one transaction. To be able
to go back, copy it by hand before an update.
"""

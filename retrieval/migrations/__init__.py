"""The catalogue's migrations, run when it is opened (storage/migration.py).

To change the tables: change retrieval/catalogue_tables.py, add versions/r0003_what_it_does.py with the next `revision`,
the one before as `down_revision`, and `upgrade(op)`. A test reports where migrations and tables disagree.

An SQLite file of up to 1 GiB (some 15,000 papers) is backed up before a migration. A larger one is not: a copy may not
fit on the disk, nearly all of it is vectors that can be computed again, and a migration is one transaction. To be able
to go back, copy it by hand before an update.
"""

"""The catalogue's migrations, run when it is opened (storage/migration.py).

To change the tables: change retrieval/catalogue_tables.py, add versions/r0003_what_it_does.py with the next `revision`,
the one before as `down_revision`, and `upgrade(op)`. A test says what the migrations and the tables do not agree on.

A SQLite file of up to 1 GiB (some 15,000 papers) is copied before a migration, and never at any other start. A larger
one is not: a second copy may not fit, nearly all of it are vectors that can be computed again, and a migration is one
transaction, of which all or nothing stays. Whoever wants a way back copies it by hand before an update.
"""

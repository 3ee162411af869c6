"""The store's migrations, run when it is opened (storage/migration.py).

To change the tables: change bot/store/store_tables.py, add versions/r0002_what_it_does.py with the next `revision`,
the one before as `down_revision`, and `upgrade(op)`. A test compares the migrated tables with
bot/store/store_tables.py.
"""

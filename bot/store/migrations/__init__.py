"""The store's migrations, run when it is opened (storage/migration.py).

To change the tables, change bot/store/store_tables.py and add a file to versions/, named after its number and what it
does, as r0006_shards.py is. It holds the next `revision`, the one before as `down_revision`, and `upgrade(op)`. A test
compares the migrated tables with bot/store/store_tables.py.
"""

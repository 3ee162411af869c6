"""Databases: connections, migrations, transactions. Knows nothing about papers or the bot."""

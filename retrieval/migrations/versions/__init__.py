"""The catalogue's migrations, one file each, named after its revision."""

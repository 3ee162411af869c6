"""Search: from the words of a query to ranked papers and their passages."""

"""What moderators set for a server, and what people may know and delete of themselves."""

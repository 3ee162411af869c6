"""Read a question once: its text, what it names, and its kind."""

"""One client for any OpenAI-compatible server, what it costs, and what it may cost."""

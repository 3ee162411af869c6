"""Papers in, ranked passages out: knows nothing of Discord or of prompts."""

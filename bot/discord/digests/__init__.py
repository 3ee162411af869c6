"""Daily digests: the commands for them, their cards, and how they are posted."""

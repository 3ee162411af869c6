"""Server settings for moderators, and people's access to their own data."""

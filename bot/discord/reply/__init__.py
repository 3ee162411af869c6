"""Where a reply goes, and how it grows there."""

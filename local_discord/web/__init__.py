"""A page that shows a local Discord to people, who act in it: no build step, and nothing from elsewhere."""

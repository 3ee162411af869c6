"""A web page that shows a local Discord and lets people act in it; no build step and no external resources."""

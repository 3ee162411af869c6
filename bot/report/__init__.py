"""The quality report: figures of an evaluation, their pictures, and the page for a maintainer."""

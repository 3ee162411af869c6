"""The quality report: figures of an evaluation, their pictures, and the page that a maintainer reads."""

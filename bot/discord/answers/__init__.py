"""Questions and their answers: taken in, answered once each, shown as cards, and gone on from."""

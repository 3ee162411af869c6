"""From a question to an Answer whose every statement rests on a checked quote; knows nothing of Discord."""

"""What to post when, and the delivery of it: digests for those who subscribed, each exactly once."""

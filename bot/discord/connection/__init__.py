"""The connection to Discord: the Gateway, calls, error codes and the registration of commands."""

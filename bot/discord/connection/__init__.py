"""How the bot and Discord talk: the Gateway, the calls, the error codes and the list of commands."""

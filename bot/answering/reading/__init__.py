"""Reading a question once: what it says, what it names, and which kind of question it is."""

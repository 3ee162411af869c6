"""The parts of every card: layout, Markdown, custom ids and phrases."""

"""What every card is made of: layout, Markdown, custom ids, forms and words."""

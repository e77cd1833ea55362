"""What will come, before one image moves: sizes, nights, and what a PACS can do."""

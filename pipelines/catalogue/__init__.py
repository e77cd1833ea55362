"""The catalogue: SQLAlchemy models and queries; the one truth of each zone."""

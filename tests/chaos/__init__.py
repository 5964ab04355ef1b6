"""Real daemons on one PostgreSQL store, at work while they are killed, frozen and cut off and their store crashes."""

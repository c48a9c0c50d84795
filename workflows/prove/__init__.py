"""Proof that rules are sound before anything runs on them: the whole state space of each definition under each pack."""

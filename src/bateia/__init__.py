"""Bateia: raw market events in, trading signals that survive time, cost and chance out."""

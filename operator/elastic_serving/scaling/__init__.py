"""DECIDE: from what was seen to a decision and a plan. Pure: no clock, no randomness, no logging, no I/O."""

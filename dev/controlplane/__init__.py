"""Pinned Go modules and the builder that turns them into binaries, once per user.

One directory per Go module (its go.mod names the tools, its go.sum pins them); what is built is never committed.
"""

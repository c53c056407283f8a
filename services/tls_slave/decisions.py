"""The decisions in force live in `shared.tls.decisions`, since everyone who speaks TLS acts by them."""

from shared.tls.decisions import NONE, Decisions, decisions_of

__all__ = ["NONE", "Decisions", "decisions_of"]

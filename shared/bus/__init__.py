"""The bus: who owns the data binds, who wants it connects. No broker."""

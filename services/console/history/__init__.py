"""The charts' memory: ten minutes of every cycle, minutes of some weeks, the energy of each day."""

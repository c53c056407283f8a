"""A recording instead of a meter: a CSV table or what the tap wrote -> frames -> readings at their old distances."""

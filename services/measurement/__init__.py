"""From a meter to one sample: a source reads it, derive completes it, check refuses the impossible."""

"""The master pusher: writes the registers of a meter into up to ten slaves, and posts them to web services."""

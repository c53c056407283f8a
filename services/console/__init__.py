"""The console: a web page where the owner sees the meter and decides, and the API behind it."""

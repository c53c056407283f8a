"""What the console hears on the bus, kept as the latest state of each thing; bounded, whatever comes."""

"""What a person reads, in the language of the page; English is what metergate says by itself."""

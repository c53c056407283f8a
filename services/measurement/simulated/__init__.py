"""An invented three-phase household: noise -> loads and sun -> wallbox and battery -> the grid connection."""

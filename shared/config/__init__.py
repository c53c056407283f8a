"""The settings: one TOML file that a person can read, edit and put under version control."""

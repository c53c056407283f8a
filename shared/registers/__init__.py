"""The KSEM register map as data, and the way from a measurement to register bytes.

In the order of the data: `quantities` name what is measured; `row` and `table` are the map (`ksem.csv`); `blocks`
choose what exists; `plan` compiles it; `encode`, `sunspec` and `identity` make register contents; `image` puts them
together. Back again: `decode`. For people: `lookup`, `export`, `page`.
"""

"""Attractions taken from where they are kept already: GeoJSON and schema.org, repeatably and whole or not at all."""
